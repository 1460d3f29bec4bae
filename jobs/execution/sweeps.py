"""Who asks for sweeps of a node, and the one thread that does them, so that nothing else waits behind one."""

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import NamedTuple


class Wish(NamedTuple):
    """Somebody wants a sweep: who, for the ledger, and whether it is a rehearsal that changes nothing."""

    trigger: str
    dry_run: bool = False


TIMER = Wish("timer")


class Sweeps:
    """Sweeps one after the other: when somebody asks, and by a timer of its own that needs no Celery Beat."""

    def __init__(self, sweep: Callable[[Wish], object], every: timedelta) -> None:
        self._sweep = sweep
        self._every = every.total_seconds()
        self._asked: list[Wish] = []
        self._changed = threading.Condition()
        self._due = time.monotonic() + self._every
        self._stopping = False

    def ask(self, wish: Wish) -> None:
        """Never waits. Asked twice before its turn, a sweep is done once."""
        with self._changed:
            if wish not in self._asked:
                self._asked.append(wish)
            self._changed.notify()

    def run(self) -> None:
        """Sweep at once, and from then on, until `stop`."""
        self.ask(TIMER)
        while self.one():
            pass

    def one(self) -> bool:
        """Wait for the next sweep and do it. False: stopped."""
        wish = self._next()
        if wish is None:
            return False
        self._sweep(wish)
        if not wish.dry_run:
            self._due = time.monotonic() + self._every
        return True

    def stop(self) -> None:
        """No more after the one that is being done."""
        with self._changed:
            self._stopping = True
            self._changed.notify()

    def _next(self) -> Wish | None:
        with self._changed:
            patience = max(0.0, self._due - time.monotonic())
            self._changed.wait_for(lambda: self._stopping or self._asked, timeout=patience)
            if self._stopping:
                return None
            rehearsals_only = all(wish.dry_run for wish in self._asked)
            if rehearsals_only and time.monotonic() >= self._due:  # they do not take the timer's place
                return TIMER
            return self._asked.pop(0)
