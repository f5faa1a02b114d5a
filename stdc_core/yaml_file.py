"""YAML files of users: read without what a small file can blow up with."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from stdc_core.errors import UserError
from stdc_core.regular_file import read_regular_file

MAX_BYTES = 4 << 20  # a label set of 255 classes has 20 KB; metadata.yaml has 200 bytes a file
MAX_ENTRIES = 500_000  # aliases written out


class YamlFileError(UserError, ValueError):
    """A file that is no YAML, or none that is read here; the message names it and says why."""


class _Loader(yaml.SafeLoader):
    """Plain data only, and no number that cannot be printed."""

    def construct_yaml_int(self, node: yaml.ScalarNode) -> int:
        value: int = super().construct_yaml_int(node)
        if value.bit_length() > 64:
            raise ValueError('a whole number has more than 64 bits')
        return value


_Loader.add_constructor('tag:yaml.org,2002:int', _Loader.construct_yaml_int)


def read_yaml(path: str | Path) -> Any:
    """Read plain data.

    :raises YamlFileError: it cannot be read, is no YAML, is nested too deeply, has more than 4 MB,
        or more than 500,000 entries when its aliases are written out.
    """
    try:
        loader = _Loader(read_regular_file(path, MAX_BYTES).decode())
        node = loader.get_single_node()
        if node is None:
            return None
        if _count_entries(node, {}) > MAX_ENTRIES:
            raise ValueError(f'it has more than {MAX_ENTRIES:,} entries with its aliases')
        return loader.construct_document(node)
    except OSError as error:
        raise YamlFileError(f'cannot read {path}: {error.strerror}') from error
    except RecursionError as error:
        raise YamlFileError(f'{path} is nested too deeply') from error
    except Exception as error:  # PyYAML lets the errors of int(), datetime() and the like through
        reason = ' '.join(str(error).split()) or type(error).__name__
        raise YamlFileError(f'{path} is not a YAML file: {reason}') from error


def _count_entries(node: yaml.Node, known: dict[int, int | None]) -> int:
    """Count a node and all beneath it, once for every alias that leads to it.

    A line with ten aliases to the line before, ten such lines, and there are 10^10: merged by
    ``<<`` at once, else when they are printed.

    :param known: of nodes that were counted, by ``id()``; None: it is being counted.
    :raises ValueError: an alias leads to what it stands in.
    """
    if id(node) not in known:
        known[id(node)] = None
        known[id(node)] = 1 + sum(_count_entries(child, known) for child in _children(node))
    if (count := known[id(node)]) is None:
        raise ValueError('an alias leads to what it stands in')
    return count


def _children(node: yaml.Node) -> Iterable[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return (child for pair in node.value for child in pair)
    return node.value if isinstance(node, yaml.SequenceNode) else ()
