"""What a plan was built of, by what and for what; compared before a plan is loaded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from stdc_core.geometry import Size
from stdc_core.tensorrt.library import Flavour


FORMAT = 1  # of plan files and of the graphs this package gives to TensorRT


@dataclass(frozen=True)
class PlanFingerprint:
    """Of a plan, or of the plan that is wanted on this machine.

    :param format: of the file and the graph, :data:`FORMAT`.
    :param flavour: of TensorRT.
    :param version: of TensorRT.
    :param platform: operating system and processor, e.g. ``linux-aarch64``.
    :param compute_capability: of the GPU, e.g. ``8.7``; ``8.0+`` for that and all later.
    :param gpu: its name; empty: any.
    :param model_sha256: of the model file.
    :param size: of the network's input.
    :param precision: of its arithmetic; in an int8 model file that of the layers left in float.
    :param detail: whether it computes the detail logits.
    :param version_compatible: whether later versions of TensorRT can load it, too.
    :param hardware_compatible: whether other GPUs can run it, too.
    """

    format: int
    flavour: Flavour
    version: str
    platform: str
    compute_capability: str
    gpu: str
    model_sha256: str
    size: Size
    precision: PlanPrecision
    detail: bool
    version_compatible: bool
    hardware_compatible: bool

    def differences(self, wanted: PlanFingerprint) -> list[str]:
        """Why a plan of this fingerprint is not the wanted one; empty where it is.

        A version-compatible plan is fit for later versions, one for ``8.0+`` or any GPU for those.
        """
        raise NotImplementedError

    def to_dict(self) -> dict[str, Any]:
        """For JSON, the reverse of :meth:`from_dict`."""
        raise NotImplementedError

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> PlanFingerprint:
        """Parse what :meth:`to_dict` made.

        :raises ValueError: it is not that.
        """
        raise NotImplementedError
