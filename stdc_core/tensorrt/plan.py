"""The plan file: magic, length of the header, header (JSON), plan."""

from __future__ import annotations

import hashlib
import json
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stdc_core.atomic_file import atomic_path
from stdc_core.errors import UserError
from stdc_core.private_folder import read_private_file
from stdc_core.tensorrt.fingerprint import FORMAT, PlanFingerprint

MAGIC = b'stdcplan'
LENGTH = struct.Struct('<I')
MAX_HEADER = 65536  # bytes


class PlanFileError(UserError, ValueError):
    """A file that is not a whole plan of this package; the message names file and fault."""


@dataclass(frozen=True)
class Plan:
    """A plan in memory.

    Its input is ``image``, uint8 RGB (N, H, W, 3); its outputs are ``logits``, float32
    (N, C, ceil(H / 8), ceil(W / 8)), and with detail ``detail``, float32 (N, 1, ...): float32 at
    every precision, linear layout.

    :param fingerprint: what it was built of, by what and for what.
    :param engine: what TensorRT deserialises.
    """

    fingerprint: PlanFingerprint
    engine: bytes


def write_plan(plan: Plan, path: str | Path) -> None:
    """Write a plan file that only its owner can read or write, whole or not at all."""
    header = json.dumps(
        {
            'fingerprint': plan.fingerprint.to_dict(),
            'engine_bytes': len(plan.engine),
            'engine_sha256': hashlib.sha256(plan.engine).hexdigest(),
        },
        indent=1,
    ).encode()
    with atomic_path(path) as part, part.open('wb') as stream:
        stream.write(MAGIC + LENGTH.pack(len(header)) + header)
        stream.write(plan.engine)
    Path(path).chmod(0o600)


def read_fingerprint(path: str | Path) -> PlanFingerprint:
    """Read the header only; nothing in it is run, so whose file it is does not matter yet.

    :raises PlanFileError: foreign, cut, or of another format of this package.
    :raises OSError: it cannot be read.
    """
    with Path(path).open('rb') as stream:
        return _parse(path, stream.read(len(MAGIC) + LENGTH.size + MAX_HEADER))[0]


def read_plan(path: str | Path) -> Plan:
    """Read a plan file and check that it is whole.

    :raises PlanFileError: foreign, cut, changed, or of another format of this package.
    :raises NotPrivateError: somebody else may have written it.
    :raises OSError: it cannot be read.
    """
    content = read_private_file(path)
    fingerprint, header, start = _parse(path, content)
    engine = content[start:]
    if len(engine) != header['engine_bytes']:
        raise PlanFileError(
            f'{path} is cut: its plan has {len(engine)} bytes, expected '
            f'{header["engine_bytes"]}: build it again'
        )
    if hashlib.sha256(engine).hexdigest() != header['engine_sha256']:
        raise PlanFileError(f'{path} is corrupt: its plan is not what was built: build it again')
    return Plan(fingerprint, engine)


def _parse(path: str | Path, content: bytes) -> tuple[PlanFingerprint, dict[str, Any], int]:
    """Fingerprint, whole header, and where the plan begins."""
    start = len(MAGIC) + LENGTH.size
    if content[: len(MAGIC)] != MAGIC or len(content) < start:
        raise PlanFileError(f"{path} is no plan file of this package: see 'stdc_seg build-engine'")
    (length,) = LENGTH.unpack(content[len(MAGIC) : start])
    if length > MAX_HEADER or len(content) < start + length:
        raise PlanFileError(f'{path} is cut within its header: build it again')
    try:
        header = json.loads(content[start : start + length])
        if (written := header['fingerprint']['format']) != FORMAT:
            raise ValueError(f'format {written} is not the {FORMAT} of this package')
        fingerprint = PlanFingerprint.from_dict(header['fingerprint'])
        if not (type(header['engine_bytes']) is int and type(header['engine_sha256']) is str):
            raise ValueError('size or SHA-256 of the plan is missing')
    except (ValueError, KeyError, TypeError) as error:
        raise PlanFileError(f'{path} has a bad header: {error}: build it again') from error
    return fingerprint, header, start + length
