"""The folder of a user's plans, and finding there the one that runs here."""

from __future__ import annotations

from pathlib import Path

from stdc_core.geometry import Size
from stdc_core.model_file import ModelFile
from stdc_core.tensorrt.fingerprint import PlanFingerprint, PlanPrecision
from stdc_core.tensorrt.gpu_probe import Gpu
from stdc_core.tensorrt.library import TensorRT
from stdc_core.tensorrt.plan import Plan


def default_folder() -> Path:
    """``~/.cache/stdc_seg_ros/plans``, or in ``$XDG_CACHE_HOME``."""
    raise NotImplementedError


class PlanCache:
    """A folder of plans, private to the user: deserialising a plan runs what is in it.

    :param folder: :func:`default_folder` where None; made at the first :meth:`store`.
    :raises UserError: it belongs to somebody else or others may write to it.
    """

    def __init__(self, folder: str | Path | None = None) -> None:
        raise NotImplementedError

    def find(self, wanted: PlanFingerprint) -> Plan | None:
        """Look for the plan that fits; None where there is none. Nothing is deserialised."""
        raise NotImplementedError

    def why_not(self, wanted: PlanFingerprint) -> list[str]:
        """Name the differences of the plan that comes closest; empty without any of the model."""
        raise NotImplementedError

    def store(self, plan: Plan) -> Path:
        """Keep a plan, in place of the one before it of the same model, shape and GPU."""
        raise NotImplementedError


def load_plan(
    model: ModelFile,
    tensorrt: TensorRT,
    gpu: Gpu,
    *,
    size: Size,
    detail: bool,
    precision: PlanPrecision,
    cache: PlanCache | None = None,
) -> Plan:
    """Find the plan of a model for this machine; builds nothing.

    :param cache: the user's own where None.
    :raises EngineUnavailableError: there is none; names the command that builds it, and for one
        that does not fit what is different.
    """
    raise NotImplementedError
