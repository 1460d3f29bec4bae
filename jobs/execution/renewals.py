"""When this node's agent has renewed its lease, told to the wrappers of jobs that may run again elsewhere.

Such a wrapper kills its tree when the last renewal is long ago; by the time that others run the job again, it
has done so. What is told is when a renewal began, never when it was written down: a process may freeze in
between, and what others have given up meanwhile must not look fresh.
"""

import logging
import math
import time
from pathlib import Path

from django.conf import settings

from jobs.execution import late_starts
from jobs.execution.durable import write_in_place
from jobs.execution.records import read_plain
from jobs.execution.station import Station

logger = logging.getLogger("jobs.agent")


class Renewals:
    """The renewals of one node."""

    def __init__(self, station: Station) -> None:
        self._station = station
        self._began = 0.0

    def begin(self) -> None:
        """Before a renewal. After a long silence nothing starts on the strength of a late one."""
        self._began = boottime()
        if self.age() > settings.FENCE_AFTER.total_seconds():
            self.refuse_late_starts()

    def refuse_late_starts(self) -> None:
        """What others may have given up, or have, does not start here any more."""
        late_starts.fence(self._station.spool, late_starts.found(self._station))

    def note(self) -> None:
        """After a renewal has committed: tell the wrappers of it. With a broken disk they go without."""
        line = f"{self._station.boot_id} {self._began:020.3f}\n"
        try:
            write_in_place(self._path, line.encode())
        except OSError as error:
            logger.error("wrappers cannot be told of a renewal: %s", error)

    def age(self) -> float:
        """For how many seconds there was none. Infinite: never in this boot of the machine."""
        try:
            boot_id, began = (read_plain(self._path) or b"").decode().split()
            seconds = boottime() - float(began)
        except (OSError, ValueError):
            return math.inf
        return seconds if boot_id == self._station.boot_id and seconds >= 0 else math.inf

    @property
    def _path(self) -> Path:
        return self._station.spool.path / "renewed"


def boottime() -> float:
    """Seconds of the clock that goes on while the machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)
