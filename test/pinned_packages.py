"""What our extras bring into this environment, by the words of the packages themselves.

Run it to write constraints.txt anew, with the releases that are installed.
"""

from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, distribution, version
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PINS = Path(__file__).parents[1] / 'constraints.txt'
PACKAGE = 'stdc-seg-ros'
# Torch has a pin of its own in the Makefile, Jazzy's wheels an environment of their own.
ELSEWHERE = ('torch', 'ros-jazzy-')
MARKER = 'python_version >= "3.11"'


def read_pins() -> Mapping[str, str]:
    """Version of each pinned package."""
    lines = [line for line in PINS.read_text().splitlines() if not line.startswith('#')]
    pins = {}
    for requirement in map(Requirement, lines):
        [pin] = requirement.specifier
        assert pin.operator == '==', requirement
        pins[canonicalize_name(requirement.name)] = pin.version
    return pins


def open_requirements() -> set[str]:
    """Name all packages that ours asks for, and they in turn, without naming one release."""
    extras = distribution(PACKAGE).metadata.get_all('Provides-Extra') or ()
    return {
        canonicalize_name(wanted.name)
        for wanted in requirements(PACKAGE, frozenset(extras))
        if [pin.operator for pin in wanted.specifier] != ['==']
        and not canonicalize_name(wanted.name).startswith(ELSEWHERE)
    }


def requirements(name: str, extras: frozenset[str] = frozenset()) -> Iterator[Requirement]:
    """Go through all that a package and these extras of it ask for, and what that asks for."""
    return _requirements(name, extras, set())


def _requirements(
    name: str, extras: frozenset[str], seen: set[tuple[str, frozenset[str]]]
) -> Iterator[Requirement]:
    if (name, extras) in seen:
        return
    seen.add((name, extras))
    try:
        texts = distribution(name).requires or ()
    except PackageNotFoundError:  # an extra that this environment has not
        return
    for wanted in map(Requirement, texts):
        marker = wanted.marker
        if marker and not any(marker.evaluate({'extra': extra}) for extra in ('', *extras)):
            continue
        yield wanted
        yield from _requirements(canonicalize_name(wanted.name), frozenset(wanted.extras), seen)


def main() -> None:
    pins = dict(read_pins())
    for name in pins.keys() | open_requirements():
        try:
            pins[name] = version(name)
        except PackageNotFoundError:
            pins[name] = pins.get(name, 'INSTALL-IT-FIRST')
    comment = [line for line in PINS.read_text().splitlines() if line.startswith('#')]
    lines = [f'{name}=={pins[name]}; {MARKER}' for name in sorted(pins)]
    PINS.write_text('\n'.join([*comment, *lines]) + '\n')


if __name__ == '__main__':
    main()
