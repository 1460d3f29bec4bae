"""Waiting that a person can end at any moment: a request to stop is raised where the drill waits."""

import time
from collections.abc import Callable

from jobsite.run.wakeup import Wakeup


class StoppedError(Exception):
    """Somebody asked the drill to stop, by this signal."""

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__("The drill was stopped.")


class Waiting:
    """Looks again and again. Every look is followed by a chance to stop."""

    def __init__(self, wakeup: Wakeup) -> None:
        self._wakeup = wakeup

    def pause(self, seconds: float = 0.1) -> None:
        """Sleep a little. Raises StoppedError."""
        self._wakeup.wait(seconds)
        if number := self._wakeup.requested_by:
            raise StoppedError(number)

    def until(self, condition: Callable[[], bool], *, within: float) -> float | None:
        """How many seconds it took to come true. None: it did not in time."""
        return self.each({"": condition}, since=time.monotonic(), within=within)[""]

    def each(
        self, conditions: dict[str, Callable[[], bool]], *, since: float, within: float
    ) -> dict[str, float | None]:
        """When each of these came true for the first time, in seconds after `since`. None: not in time."""
        seen: dict[str, float | None] = dict.fromkeys(conditions)
        while True:
            for name, condition in conditions.items():
                if seen[name] is None and condition():
                    seen[name] = time.monotonic() - since
            if None not in seen.values() or time.monotonic() - since > within:
                return seen
            self.pause()
