"""Which attempts a worker thread has in hand, and who waits for the end of which.

An attempt is in hand from its message's delivery to the launcher's answer; the sweep leaves it alone then.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

Pair = tuple[int, int]


class Hands:
    """The attempts in hand, each for a limited time: a thread that hangs must not hide its job for ever."""

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._taken: dict[object, tuple[Pair, float]] = {}
        self._lock = threading.Lock()

    @contextmanager
    def taking(self, pair: Pair) -> Iterator[bool]:
        """Take an attempt in hand. Answers False when another thread has it."""
        hand = object()
        with self._lock:
            free = not self._holds(pair)
            if free:
                self._taken[hand] = (pair, time.monotonic() + self._patience)
        try:
            yield free
        finally:
            with self._lock:
                self._taken.pop(hand, None)

    def hold(self, pair: Pair) -> bool:
        """Whether some thread has this attempt in hand."""
        with self._lock:
            return self._holds(pair)

    def pairs(self) -> set[Pair]:
        """The attempts that threads have taken, however long ago: one that hung may go on at any time."""
        with self._lock:
            return {pair for pair, _ in self._taken.values()}

    def _holds(self, pair: Pair) -> bool:
        moment = time.monotonic()
        return any(taken == pair and until > moment for taken, until in self._taken.values())


class Observers:
    """The threads that wait for a job's end, so that Flower shows the task as long as the job runs.

    A message may come twice, so several threads may come with one attempt; each has an event of its own.
    """

    def __init__(self) -> None:
        self._waiting: dict[threading.Event, Pair] = {}
        self._lock = threading.Lock()
        self._leaving = False

    @contextmanager
    def watching(self, pair: Pair) -> Iterator[threading.Event]:
        """An event that is set when the attempt has ended, or when the worker leaves."""
        ended = threading.Event()
        with self._lock:
            self._waiting[ended] = pair
            if self._leaving:
                ended.set()
        try:
            yield ended
        finally:
            with self._lock:
                del self._waiting[ended]

    def tell(self, pair: Pair) -> None:
        """This attempt has ended."""
        with self._lock:
            waiting = [ended for ended, watched in self._waiting.items() if watched == pair]
        for ended in waiting:
            ended.set()

    def pairs(self) -> set[Pair]:
        """The attempts that somebody waits for."""
        with self._lock:
            return set(self._waiting.values())

    def let_go(self) -> None:
        """The worker leaves: nobody waits any more. Takes no lock, so a signal handler may call it."""
        self._leaving = True
        for waiting in list(self._waiting):
            waiting.set()

    @property
    def leaving(self) -> bool:
        """The worker is on its way out."""
        return self._leaving
