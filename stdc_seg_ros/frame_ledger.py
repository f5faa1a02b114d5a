"""The frame ledger: what became of every frame a camera published.

Frames are counted by the sequence numbers that the middleware gives them, per publisher epoch: the
life of one publisher, from the first to the last number received of it. There

    published = processed + replaced + rejected + failed + lost before us + in flight

holds at any moment. Without sequence numbers nobody knows what was lost; then it says so.
"""

from collections import deque
from dataclasses import dataclass
from threading import Lock

MAX_EPOCHS = 8  # that are followed at a time; of older ones the sums stay
MAX_GAPS = 64  # an epoch; a frame that comes later than that many gaps is a duplicate


@dataclass(frozen=True)
class LedgerSnapshot:
    """The ledger of one camera at one moment.

    :param published: by the camera, as its sequence numbers tell; None where they do not.
    :param received: by us, while active, each frame once.
    :param processed: went through the engine and were published.
    :param replaced: a newer frame took their place before the engine was free.
    :param rejected: no image that can be read.
    :param failed: the engine or the publishing raised an error.
    :param lost: never came to us: lost in transport or overwritten in a queue; None where
        nobody knows.
    :param in_flight: received, and none of this yet.
    :param while_inactive: published while we took no frames; not among ``published``.
    :param overtaken: by a newer frame, on the way; they are among ``replaced``.
    :param duplicates: arrivals of frames that are accounted for already; nowhere else counted.
    :param epochs: publishers that were heard, each restart of one anew.
    """

    published: int | None
    received: int
    processed: int
    replaced: int
    rejected: int
    failed: int
    lost: int | None
    in_flight: int
    while_inactive: int
    overtaken: int
    duplicates: int
    epochs: int

    @property
    def balance(self) -> int:
        """Frames that are unaccounted for: 0, or the ledger has a bug."""
        outcomes = self.processed + self.replaced + self.rejected + self.failed
        if self.published is None or self.lost is None:
            return self.received - outcomes - self.in_flight
        return self.published - outcomes - self.lost - self.in_flight

    def __str__(self) -> str:
        published, lost = (
            'unknown' if count is None else str(count) for count in (self.published, self.lost)
        )
        return (
            f'published {published} = processed {self.processed} + replaced {self.replaced} + '
            f'rejected {self.rejected} + failed {self.failed} + lost {lost} + '
            f'in flight {self.in_flight}'
        )


class _Epoch:
    """One publisher from the first to the last sequence number received."""

    def __init__(self, sequence: int) -> None:
        self.first = sequence
        self.last = sequence - 1
        self.lost = 0
        self.inactive = 0
        self.away = False  # were we inactive since ``last``?
        self.source_ns: int | None = None  # of the newest frame
        self.gaps: deque[range] = deque(maxlen=MAX_GAPS)

    @property
    def published(self) -> int:
        return self.last - self.first + 1 - self.inactive

    def advance(self, sequence: int, *, active: bool) -> None:
        """Take a number beyond the last; what it leaves out was lost, or sent while inactive."""
        gap = range(self.last + 1, sequence)
        if not active:
            self.inactive += len(gap) + 1
        elif self.away:
            self.inactive += len(gap)
        elif gap:
            self.lost += len(gap)
            self.gaps.append(gap)
        self.last = sequence
        self.away = not active

    def fill_gap(self, sequence: int) -> bool:
        """Take a number that was thought lost; false where it is none of those."""
        for index, gap in enumerate(self.gaps):
            if sequence in gap:
                del self.gaps[index]
                rest = (range(gap.start, sequence), range(sequence + 1, gap.stop))
                self.gaps.extend(part for part in rest if part)
                self.lost -= 1
                return True
        return False


class FrameLedger:
    """Counts the frames of one camera; any thread may tell and read.

    Frames come by :meth:`received`, and each that it takes is told an outcome later. The ledger
    starts inactive.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._active = False
        self._several_unnamed = False
        self._epochs: dict[bytes | None, _Epoch] = {}
        self._published = self._lost = 0  # of epochs that are followed no longer
        self._loss_unknown = False
        self._received = self._in_flight = self._inactive = 0
        self._overtaken = self._duplicates = self._epochs_heard = 0
        self._processed = self._replaced = self._rejected = self._failed = 0

    def set_active(self, active: bool) -> None:
        """Tell that frames are taken from now on, or no longer."""
        with self._lock:
            self._active = active
            if not active:
                for epoch in self._epochs.values():
                    epoch.away = True

    def set_publishers(self, count: int) -> None:
        """Tell how many publishers the topic has.

        Where the middleware does not say whose a frame is, the numbers of two publishers cannot
        be told apart, and what they lose is unknown.
        """
        with self._lock:
            if count > 1 and None in self._epochs:
                mixed = self._epochs.pop(None)
                self._loss_unknown |= mixed.published > 0
                self._inactive += mixed.inactive
            self._several_unnamed = count > 1

    def received(
        self,
        publisher: bytes | None,
        sequence: int | None,
        source_ns: int | None = None,
    ) -> bool:
        """Count an arrival.

        :param publisher: its gid; None where the middleware does not give it (before Kilted).
        :param sequence: publication sequence number; None where the middleware has none.
        :param source_ns: when it was published, by the publisher's clock; tells a restarted
            publisher from a repeated frame where there is no gid.
        :return: whether to work on the frame, and tell its outcome: not on a duplicate, on one
            that a newer frame overtook, or while inactive.
        """
        with self._lock:
            if sequence is None or (publisher is None and self._several_unnamed):
                return self._receive_unnumbered()
            epoch = self._epochs.get(publisher)
            if epoch is not None and sequence <= epoch.last:
                if epoch.fill_gap(sequence):
                    return self._receive_overtaken(epoch)
                if publisher is not None or not _is_restart(epoch, sequence, source_ns):
                    self._duplicates += 1
                    return False
                epoch = None
            if epoch is None:
                epoch = self._start_epoch(publisher, sequence)
            self._epochs[publisher] = self._epochs.pop(publisher)  # heard last, folded last
            epoch.advance(sequence, active=self._active)
            epoch.source_ns = source_ns
            if self._active:
                self._received += 1
                self._in_flight += 1
            return self._active

    def processed(self) -> None:
        """One frame went through and was published."""
        with self._lock:
            self._processed += 1
            self._in_flight -= 1

    def replaced(self) -> None:
        """One frame made way for a newer one."""
        with self._lock:
            self._replaced += 1
            self._in_flight -= 1

    def rejected(self) -> None:
        """One frame was no image that can be read."""
        with self._lock:
            self._rejected += 1
            self._in_flight -= 1

    def failed(self) -> None:
        """Work on one frame ended in an error."""
        with self._lock:
            self._failed += 1
            self._in_flight -= 1

    def snapshot(self) -> LedgerSnapshot:
        """Read all counts at one moment."""
        with self._lock:
            epochs = self._epochs.values()
            known = not self._loss_unknown
            return LedgerSnapshot(
                published=self._published + sum(e.published for e in epochs) if known else None,
                received=self._received,
                processed=self._processed,
                replaced=self._replaced,
                rejected=self._rejected,
                failed=self._failed,
                lost=self._lost + sum(e.lost for e in epochs) if known else None,
                in_flight=self._in_flight,
                while_inactive=self._inactive + sum(e.inactive for e in epochs),
                overtaken=self._overtaken,
                duplicates=self._duplicates,
                epochs=self._epochs_heard,
            )

    def _receive_unnumbered(self) -> bool:
        if self._active:
            self._loss_unknown = True
            self._received += 1
            self._in_flight += 1
        else:
            self._inactive += 1
        return self._active

    def _receive_overtaken(self, epoch: _Epoch) -> bool:
        """Count a frame that a newer one overtook: masks never go back in time."""
        self._overtaken += 1
        if self._active:
            self._received += 1
            self._replaced += 1
        else:
            epoch.inactive += 1
        return False

    def _start_epoch(self, publisher: bytes | None, sequence: int) -> _Epoch:
        self._fold(publisher)
        if len(self._epochs) == MAX_EPOCHS:
            self._fold(next(iter(self._epochs)))
        self._epochs_heard += 1
        epoch = self._epochs[publisher] = _Epoch(sequence)
        return epoch

    def _fold(self, publisher: bytes | None) -> None:
        """Keep the sums of an epoch and follow it no longer."""
        epoch = self._epochs.pop(publisher, None)
        if epoch is not None:
            self._published += epoch.published
            self._lost += epoch.lost
            self._inactive += epoch.inactive


def _is_restart(epoch: _Epoch, sequence: int, source_ns: int | None) -> bool:
    """Whether a number that went back, without a gid, is a new publisher's."""
    if source_ns is None or epoch.source_ns is None:
        return sequence != epoch.last
    return source_ns > epoch.source_ns
