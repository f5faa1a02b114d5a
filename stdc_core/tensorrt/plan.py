"""The plan file: magic, length of the header, header (JSON), plan."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from stdc_core.errors import UserError
from stdc_core.tensorrt.fingerprint import PlanFingerprint

MAGIC = b'stdcplan'


class PlanFileError(UserError, ValueError):
    """A file that is not a whole plan of this package; the message names file and fault."""


@dataclass(frozen=True)
class Plan:
    """A plan in memory.

    Its input is ``image``, uint8 RGB (1, H, W, 3); its outputs are ``logits``, float32
    (1, C, ceil(H / 8), ceil(W / 8)), and with detail ``detail``, float32 (1, 1, ...): float32 at
    every precision, linear layout.

    :param fingerprint: what it was built of, by what and for what.
    :param engine: what TensorRT deserialises.
    """

    fingerprint: PlanFingerprint
    engine: bytes


def write_plan(plan: Plan, path: str | Path) -> None:
    """Write a plan file, whole or not at all."""
    raise NotImplementedError


def read_fingerprint(path: str | Path) -> PlanFingerprint:
    """Read the header only.

    :raises PlanFileError: missing, foreign, cut, or of another format.
    """
    raise NotImplementedError


def read_plan(path: str | Path) -> Plan:
    """Read a plan file and check that it is whole: size and SHA-256 of the plan.

    :raises PlanFileError: missing, foreign, cut, or changed.
    """
    raise NotImplementedError
