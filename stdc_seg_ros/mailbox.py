"""One slot between the thread that receives frames and the one that works on them."""

from threading import Condition
from typing import Generic, TypeVar

T = TypeVar('T')


class Mailbox(Generic[T]):
    """Holds the newest item for one consumer: latency stays bounded however many come.

    Any thread may put and stop; one thread takes.
    """

    def __init__(self) -> None:
        self._changed = Condition()
        self._slot: list[T] = []  # empty, or the one item
        self._consumer_waits = False
        self._stopped = False

    def put(self, item: T) -> T | None:
        """Leave an item for the consumer.

        :return: the older one it replaced, which nobody will take; the item itself where the
            mailbox was stopped.
        """
        with self._changed:
            if self._stopped:
                return item
            replaced = self._slot.pop() if self._slot else None
            self._slot.append(item)
            self._changed.notify_all()
            return replaced

    def take(self) -> T | None:
        """Wait for an item and take it; None once the mailbox was stopped.

        The consumer is done with the item it took before.
        """
        with self._changed:
            self._consumer_waits = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._slot or self._stopped)
            self._consumer_waits = False
            return self._slot.pop() if self._slot else None

    def wait_idle(self, timeout_s: float) -> bool:
        """Wait until the slot is empty and the consumer done with what it took.

        :return: whether that came to pass in time; also true once the mailbox was stopped.
        """
        with self._changed:
            return self._changed.wait_for(
                lambda: self._stopped or (self._consumer_waits and not self._slot), timeout_s
            )

    def stop(self) -> T | None:
        """Let the consumer end; for good.

        :return: what waited in the slot.
        """
        with self._changed:
            self._stopped = True
            waiting = self._slot.pop() if self._slot else None
            self._changed.notify_all()
            return waiting
