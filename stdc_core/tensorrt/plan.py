"""The plan file: magic, SHA-256 of all that follows, length of the header, header (JSON), plan."""

from __future__ import annotations

import hashlib
import json
import struct
from dataclasses import dataclass
from pathlib import Path

from stdc_core.atomic_file import atomic_path
from stdc_core.errors import UserError
from stdc_core.private_folder import read_private_file
from stdc_core.tensorrt.fingerprint import FORMAT, PlanFingerprint

MAGIC = b'stdcplan'
LENGTH = struct.Struct('<I')
BODY = len(MAGIC) + hashlib.sha256().digest_size  # where what the SHA-256 is of begins
HEADER = BODY + LENGTH.size
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
    fields = {'fingerprint': plan.fingerprint.to_dict(), 'engine_bytes': len(plan.engine)}
    header = json.dumps(fields, indent=1).encode()
    digest = hashlib.sha256(body := LENGTH.pack(len(header)) + header)
    digest.update(plan.engine)
    with atomic_path(path) as part, part.open('wb') as stream:
        stream.write(MAGIC + digest.digest() + body)
        stream.write(plan.engine)
    Path(path).chmod(0o600)


def read_fingerprint(path: str | Path) -> PlanFingerprint:
    """Read the header only; nothing in it is run, so whose file it is does not matter yet.

    :raises PlanFileError: foreign, cut, or of another format of this package.
    :raises OSError: it cannot be read.
    """
    with Path(path).open('rb') as stream:
        return _parse(path, stream.read(HEADER + MAX_HEADER))[0]


def read_plan(path: str | Path) -> Plan:
    """Read a plan file and check that it is whole.

    :raises PlanFileError: foreign, cut, changed, or of another format of this package.
    :raises NotPrivateError: somebody else may have written it.
    :raises OSError: it cannot be read.
    """
    content = memoryview(read_private_file(path))
    fingerprint, engine_bytes, start = _parse(path, content)
    if len(content) - start != engine_bytes:
        raise PlanFileError(
            f'{path} is cut: its plan has {len(content) - start} bytes, expected {engine_bytes}: '
            'build it again'
        )
    if hashlib.sha256(content[BODY:]).digest() != content[len(MAGIC) : BODY]:
        raise PlanFileError(f'{path} is corrupt: build it again')
    return Plan(fingerprint, bytes(content[start:]))


def _parse(path: str | Path, content: bytes | memoryview) -> tuple[PlanFingerprint, int, int]:
    """Fingerprint, bytes of the plan, and where it begins."""
    if content[: len(MAGIC)] != MAGIC or len(content) < HEADER:
        raise PlanFileError(f"{path} is no plan file of this package: see 'stdc_seg build-engine'")
    (length,) = LENGTH.unpack(content[BODY:HEADER])
    end = HEADER + length
    if length > MAX_HEADER or len(content) < end:
        raise PlanFileError(f'{path} is cut within its header: build it again')
    try:
        header = json.loads(bytes(content[HEADER:end]))
        if (written := header['fingerprint']['format']) != FORMAT:
            raise ValueError(f'format {written} is not the {FORMAT} of this package')
        fingerprint = PlanFingerprint.from_dict(header['fingerprint'])
        if type(engine_bytes := header['engine_bytes']) is not int:
            raise ValueError(f'engine_bytes is {engine_bytes!r}')
    except (ValueError, KeyError, TypeError) as error:
        raise PlanFileError(f'{path} has a bad header: {error}: build it again') from error
    return fingerprint, engine_bytes, end
