"""Waits for processes to end, by pidfd: no polling, no pid that could be somebody else's by now."""

import logging
import os
import select
import threading
from collections.abc import Callable, Sequence

logger = logging.getLogger(__name__)

Pair = tuple[int, int]


class Watch:
    """One thread that calls back when processes of attempts have ended, with all that have by then."""

    def __init__(self, ended: Callable[[Sequence[Pair]], None]) -> None:
        self._ended = ended
        self._poll = select.epoll()
        self._wake = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._poll.register(self._wake, select.EPOLLIN)
        self._pairs: dict[int, Pair] = {}
        self._lock = threading.Lock()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def start(self) -> None:
        """Begin to wait."""
        self._thread.start()

    def stop(self) -> None:
        """Wait for nobody any more."""
        self._stopping = True
        os.eventfd_write(self._wake, 1)
        self._thread.join(timeout=2)

    def add(self, pair: Pair, pidfd: int) -> None:
        """Wait for this process too. The descriptor is ours from now on; a pair is watched once."""
        with self._lock:
            if pair in self._pairs.values():
                os.close(pidfd)
                return
            self._pairs[pidfd] = pair
            self._poll.register(pidfd, select.EPOLLIN)
        os.eventfd_write(self._wake, 1)

    def watches(self, pair: Pair) -> bool:
        """Whether this attempt's process is waited for."""
        with self._lock:
            return pair in self._pairs.values()

    def _run(self) -> None:
        while not self._stopping:
            told = [descriptor for descriptor, _ in self._poll.poll()]
            if self._wake in told:
                told.remove(self._wake)
                os.eventfd_read(self._wake)
            if told:
                self._ended([self._gone(pidfd) for pidfd in told])

    def _gone(self, pidfd: int) -> Pair:
        with self._lock:
            pair = self._pairs.pop(pidfd)
            self._poll.unregister(pidfd)
        os.close(pidfd)
        return pair
