"""What a plan was built of, by what and for what; compared before a plan is loaded."""

from __future__ import annotations

import dataclasses
import platform
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args, get_type_hints

from stdc_core.geometry import Size
from stdc_core.model_file import ModelFile
from stdc_core.tensorrt.gpu_probe import Gpu
from stdc_core.tensorrt.library import NAMES, Flavour, TensorRT, version_numbers
from stdc_core.tensorrt.precision import PlanPrecision

FORMAT = 1  # of plan files and of the graphs this package gives to TensorRT
LATER_MAJOR = {10: 11}  # a version-compatible plan of the first runs on the second, too


@dataclass(frozen=True)
class PlanFingerprint:
    """Of a plan, or of the plan that is wanted on this machine.

    :param format: of the file and the graph, :data:`FORMAT`.
    :param flavour: of TensorRT.
    :param version: of TensorRT.
    :param platform: operating system and processor, e.g. ``linux-aarch64``.
    :param compute_capability: of the GPU, e.g. ``8.7``; ``8.0+`` for that and all later.
    :param gpu: its name; empty: any of that compute capability.
    :param model_sha256: of the model file.
    :param size: of the network's input.
    :param batch: images at a time.
    :param precision: of its arithmetic; in an int8 model file that of the layers left in float.
    :param detail: whether it computes the detail logits.
    :param version_compatible: whether later versions of TensorRT can load it, too; TensorRT does
        so only with ``Runtime.engine_host_code_allowed``.
    """

    format: int
    flavour: Flavour
    version: str
    platform: str
    compute_capability: str
    gpu: str
    model_sha256: str
    size: Size
    batch: int
    precision: PlanPrecision
    detail: bool
    version_compatible: bool

    def differences(self, wanted: PlanFingerprint) -> list[str]:
        """Why a plan of this fingerprint is not the wanted one; empty where it is.

        A version-compatible plan is fit for later versions, one for ``8.0+`` or any GPU for those.
        """
        fits = {
            field.name: getattr(self, field.name) == getattr(wanted, field.name)
            for field in dataclasses.fields(self)
        }
        fits['version'] |= self.version_compatible and _loads_later(self.version, wanted.version)
        fits['compute_capability'] |= _covers(self.compute_capability, wanted.compute_capability)
        fits['gpu'] |= not self.gpu
        fits['version_compatible'] |= self.version_compatible
        own, other = self._in_words(), wanted._in_words()
        return [f'{own[name]}, wanted {other[name]}' for name, same in fits.items() if not same]

    def to_dict(self) -> dict[str, Any]:
        """For JSON, the reverse of :meth:`from_dict`."""
        return {**dataclasses.asdict(self), 'size': list(self.size)}

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> PlanFingerprint:
        """Parse what :meth:`to_dict` made.

        :raises ValueError: it is not that.
        """
        hints = get_type_hints(cls)
        if fields.keys() != hints.keys():
            raise ValueError(f'fingerprint has {sorted(fields)}, expected {sorted(hints)}')
        for name, hint in hints.items():
            value = fields[name]
            known = get_args(hint)
            kind = list if hint is Size else str if known else hint
            if type(value) is not kind or (known and value not in known):
                expected = ' or '.join(known) or kind.__name__
                raise ValueError(f'{name} is {value!r}, expected {expected}')
        if [type(side) for side in fields['size']] != [int, int]:
            raise ValueError(f'size is {fields["size"]}, expected height and width')
        return cls(**{**fields, 'size': Size(*fields['size'])})

    def _in_words(self) -> dict[str, str]:
        compatible = 'version-compatible' if self.version_compatible else 'for one version only'
        return {
            'format': f'format {self.format} of this package',
            'flavour': NAMES[self.flavour],
            'version': f'version {self.version}',
            'platform': self.platform,
            'compute_capability': f'compute capability {self.compute_capability}',
            'gpu': self.gpu or 'any GPU',
            'model_sha256': f'model file {self.model_sha256[:12]}…',
            'size': str(self.size),
            'batch': f'batch {self.batch}',
            'precision': self.precision,
            'detail': 'with detail' if self.detail else 'without detail',
            'version_compatible': compatible,
        }


def fingerprint_of(
    model: ModelFile,
    tensorrt: TensorRT,
    gpu: Gpu,
    *,
    size: Size,
    detail: bool,
    precision: PlanPrecision,
    batch: int = 1,
    version_compatible: bool = False,
) -> PlanFingerprint:
    """Fingerprint of a plan that is built so here, or is wanted here.

    :param gpu: what it is built for (:func:`stdc_core.tensorrt.library.built_for`), or the one
        that is to run it.
    """
    return PlanFingerprint(
        FORMAT,
        tensorrt.flavour,
        tensorrt.version,
        f'{sys.platform}-{platform.machine()}',
        gpu.compute_capability,
        gpu.name,
        model.sha256,
        size,
        batch,
        precision,
        detail,
        version_compatible,
    )


def _loads_later(built: str, runs: str) -> bool:
    """Whether a version-compatible plan of one version runs on another."""
    first, second = version_numbers(built), version_numbers(runs)
    return second >= first and second[0] in (first[0], LATER_MAJOR.get(first[0]))


def _covers(built_for: str, runs_on: str) -> bool:
    """Whether ``8.0+`` covers a compute capability."""
    return (
        built_for.endswith('+')
        and not runs_on.endswith('+')
        and version_numbers(runs_on) >= version_numbers(built_for[:-1])
    )
