"""Two engines of one model: without the detail map, and with it once somebody looks at it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Thread

from stdc_core.engines import EngineInfo, InferenceEngine
from stdc_core.errors import UserError

logger = logging.getLogger(__name__)


class EnginePair:
    """Opens the engine with detail in the background, when it is first asked for.

    A runtime computes every output it was compiled with: so nobody pays for a map that nobody
    looks at, and no frame waits for the compiler. For one thread, which owns the engines.

    :param open_engine: opens the model, with detail (True) or without.
    :raises UserError: the engine without detail cannot be opened.
    """

    def __init__(self, open_engine: Callable[[bool], InferenceEngine]) -> None:
        self._open_engine = open_engine
        self._plain = open_engine(False)
        self._detailed: InferenceEngine | None = None
        self._opened: list[InferenceEngine] = []  # by the background thread
        self._opening: Thread | None = None

    @property
    def info(self) -> EngineInfo:
        """What runs."""
        return self._plain.info

    @property
    def plain(self) -> InferenceEngine:
        """The engine without detail."""
        return self._plain

    def choose(self, detail: bool) -> InferenceEngine:
        """Take the engine for a frame; without detail as long as the other is not ready."""
        if not detail:
            return self._plain
        if self._opening is None:
            self._opening = Thread(target=self._open_detailed, name='detail-engine', daemon=True)
            self._opening.start()
        if self._detailed is None and self._opened:
            self._detailed = self._opened.pop()
        return self._detailed or self._plain

    def close(self, timeout_s: float) -> None:
        """Free the engines; one that is still being opened is waited for so long."""
        if self._opening is not None:
            self._opening.join(timeout_s)
        for engine in (self._plain, self._detailed, *self._opened):
            if engine is not None:
                engine.close()

    def _open_detailed(self) -> None:
        try:
            self._opened.append(self._open_engine(True))
        except UserError as error:
            logger.error('no detail map: %s', error)
        except Exception:
            logger.exception('no detail map')
