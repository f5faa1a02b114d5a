"""The folder of a user's plans, and finding there the one that runs here."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator
from pathlib import Path

from stdc_core.engines.base import EngineUnavailableError
from stdc_core.geometry import Size
from stdc_core.model_file import ModelFile
from stdc_core.private_folder import make_private_folder
from stdc_core.tensorrt.fingerprint import PlanFingerprint, fingerprint_of
from stdc_core.tensorrt.gpu_probe import Gpu
from stdc_core.tensorrt.library import NAMES, TensorRT
from stdc_core.tensorrt.plan import Plan, PlanFileError, read_fingerprint, read_plan, write_plan
from stdc_core.tensorrt.precision import PlanPrecision

logger = logging.getLogger(__name__)


class PlanCache:
    """The user's folder of plans, private to the user: a plan is code to TensorRT.

    ``~/.cache/stdc_seg_ros/plans``, or the same in ``$XDG_CACHE_HOME``; made at the first
    :meth:`store`.
    """

    def __init__(self) -> None:
        cache = os.environ.get('XDG_CACHE_HOME') or Path.home() / '.cache'
        self.folder = Path(cache) / 'stdc_seg_ros' / 'plans'

    def find(self, wanted: PlanFingerprint) -> Plan | None:
        """Look for the plan that fits; None where there is none. Nothing is deserialised.

        :raises PlanFileError: it is not whole.
        :raises NotPrivateError: somebody else may have written it, or to the folder.
        """
        fitting = [
            (found.version_compatible, not found.gpu, path)
            for path, found in self._plans()
            if not found.differences(wanted)
        ]
        if not fitting:
            return None
        plan = read_plan(min(fitting)[-1])  # one made for this version and GPU before others
        if differences := plan.fingerprint.differences(wanted):  # exchanged since it was looked at
            raise PlanFileError(f'{min(fitting)[-1]} has changed: {"; ".join(differences)}')
        return plan

    def why_not(self, wanted: PlanFingerprint) -> list[str]:
        """Name the differences of the plan that comes closest; empty where there are no plans.

        :raises NotPrivateError: somebody else may write to the folder.
        """
        all_differences = [found.differences(wanted) for _, found in self._plans()]
        return min(all_differences, key=len, default=[])

    def replaced(self, wanted: PlanFingerprint) -> list[str]:
        """Name the differences of the plan in whose place this one would be stored."""
        place = self.folder / file_name(wanted)
        found = [found for path, found in self._plans() if path == place]
        return found[0].differences(wanted) if found else []

    def store(self, plan: Plan) -> Path:
        """Keep a plan; the one before it of the same model, shape, precision and GPU goes.

        :return: its file.
        :raises NotPrivateError: somebody else may write to the folder.
        """
        path = make_private_folder(self.folder) / file_name(plan.fingerprint)
        write_plan(plan, path)
        return path

    def timing_cache(self, fingerprint: PlanFingerprint) -> Path:
        """File of the timings that a build finds; of one version and one GPU."""
        gpu = _plain(fingerprint.gpu or 'any-gpu')
        return self.folder / f'{fingerprint.flavour}_{fingerprint.version}_{gpu}.timings'

    def _plans(self) -> Iterator[tuple[Path, PlanFingerprint]]:
        """Headers of the plans in the folder, parts that are being written left out.

        What is no plan is passed over, with a warning.
        """
        if not self.folder.exists():
            return
        for path in sorted(make_private_folder(self.folder).glob('[!.]*.plan')):
            try:
                yield path, read_fingerprint(path)
            except (PlanFileError, OSError) as error:
                logger.warning('passed over: %s', error)


def file_name(fingerprint: PlanFingerprint) -> str:
    """Name of the file that a plan of this fingerprint is kept in, and that replaces it."""
    parts = [
        fingerprint.model_sha256[:16],
        str(fingerprint.size),
        *([f'batch{fingerprint.batch}'] if fingerprint.batch > 1 else []),
        fingerprint.precision,
        *(['detail'] if fingerprint.detail else []),
        fingerprint.flavour,
        _plain(fingerprint.gpu or 'any-gpu'),
        f'sm{fingerprint.compute_capability}',
    ]
    return '_'.join(parts) + '.plan'


def _plain(name: str) -> str:
    """Make a GPU's name part of a file's."""
    return re.sub('[^a-z0-9]+', '-', name.lower()).strip('-')


def load_plan(
    model: ModelFile,
    tensorrt: TensorRT,
    gpu: Gpu,
    *,
    size: Size,
    detail: bool,
    precision: PlanPrecision,
    batch: int = 1,
) -> Plan:
    """Find the plan of a model for this machine, in the user's folder; builds nothing.

    :raises EngineUnavailableError: there is none; names the command that builds it, and for one
        that does not fit what is different.
    :raises NotPrivateError: somebody else may have written it, or to its folder.
    """
    cache = PlanCache()
    wanted = fingerprint_of(
        model, tensorrt, gpu, size=size, detail=detail, precision=precision, batch=batch
    )
    fault = ''
    try:
        if (plan := cache.find(wanted)) is not None:
            return plan
        if differences := cache.why_not(wanted):
            fault = f' (the closest one there: {"; ".join(differences)})'
    except PlanFileError as error:
        fault = f' ({error})'
    command = f'stdc_seg build-engine {model.path} --size {size.height} {size.width}'
    raise EngineUnavailableError(
        f'{cache.folder} has no plan of {model.path} for {NAMES[tensorrt.flavour]} '
        f'{tensorrt.version}, {size}, {precision}{", with detail" if detail else ""}, on '
        f"{gpu.name}{fault}: build it with '{command} --precision {precision}'"
    )
