"""One slot a sender between the thread that receives frames and the one that works on them."""

from threading import Condition
from typing import Generic, TypeVar

K = TypeVar('K')
T = TypeVar('T')


class Mailbox(Generic[K, T]):
    """Holds each sender's newest item for one consumer: latency stays bounded however many come.

    Senders take turns: each that waits is served before one that was served is served again, so a
    fast one takes nothing from a slow one. Any thread may put and stop; one thread takes.
    """

    def __init__(self) -> None:
        self._changed = Condition()
        self._slots: dict[K, T] = {}  # in the order in which their senders began to wait
        self._consumer_waits = False
        self._stopped = False

    def put(self, sender: K, item: T) -> T | None:
        """Leave an item for the consumer.

        :return: the sender's older one that it replaced, which nobody will take; the item itself
            where the mailbox was stopped.
        """
        with self._changed:
            if self._stopped:
                return item
            replaced = self._slots.get(sender)
            self._slots[sender] = item  # a sender that waits keeps its turn
            self._changed.notify_all()
            return replaced

    def take(self) -> tuple[K, T] | None:
        """Wait for an item and take it, with its sender; None once the mailbox was stopped.

        The consumer is done with the item it took before.
        """
        with self._changed:
            self._consumer_waits = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._slots or self._stopped)
            self._consumer_waits = False
            if not self._slots:
                return None
            sender = next(iter(self._slots))
            return sender, self._slots.pop(sender)

    def wait_idle(self, timeout_s: float) -> bool:
        """Wait until nothing waits and the consumer is done with what it took.

        :return: whether that came to pass in time; also true once the mailbox was stopped.
        """
        with self._changed:
            return self._changed.wait_for(
                lambda: self._stopped or (self._consumer_waits and not self._slots), timeout_s
            )

    def stop(self) -> list[T]:
        """Let the consumer end; for good.

        :return: what waited.
        """
        with self._changed:
            self._stopped = True
            waiting = list(self._slots.values())
            self._slots.clear()
            self._changed.notify_all()
            return waiting
