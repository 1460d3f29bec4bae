"""When this node's agent has renewed its lease, told to the wrappers of jobs that may run again elsewhere.

Such a wrapper kills its tree when the last renewal is long ago; by the time that others run the job again, it
has done so. What is told is when a renewal began, never when it was written down: a process may freeze in
between, and what others have given up meanwhile must not look fresh.
"""

import logging
import math
import os
import time
from pathlib import Path

from django.conf import settings

from jobs.execution.spool import Spool
from jobs.execution.station import Station
from jobs.models import ResourceAllocation

logger = logging.getLogger("jobs.agent")


class Renewals:
    """The renewals of one node."""

    def __init__(self, station: Station) -> None:
        self._station = station
        self._began = 0.0

    def begin(self) -> None:
        """Before a renewal.

        After a long silence others may have given up the jobs that may run again. Those without a ticket get
        none any more: nothing starts on the strength of a renewal that comes too late.
        """
        self._began = boottime()
        if self.age() > settings.FENCE_AFTER.total_seconds():
            spool = self._station.spool
            here = ResourceAllocation.objects.unreleased().filter(
                node__name=self._station.node_name, spool_id=spool.spool_id, job__requeue=True
            )
            for pair in here.values_list("job_id", "attempt"):
                fence(spool, *pair)

    def note(self) -> None:
        """After a renewal has committed: tell the wrappers of it. With a broken disk they go without."""
        line = f"{self._station.boot_id} {self._began:020.3f}\n"
        try:
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            try:
                os.pwrite(descriptor, line.encode(), 0)
            finally:
                os.close(descriptor)
        except OSError as error:
            logger.error("wrappers cannot be told of a renewal: %s", error)

    def age(self) -> float:
        """For how many seconds there was none. Infinite: never in this boot of the machine."""
        try:
            boot_id, began = self._path.read_text().split()
            seconds = boottime() - float(began)
        except (OSError, ValueError):
            return math.inf
        return seconds if boot_id == self._station.boot_id and seconds >= 0 else math.inf

    @property
    def _path(self) -> Path:
        return self._station.spool.path / "renewed"


def fence(spool: Spool, job_id: int, attempt: int) -> None:
    """This attempt never starts, unless its ticket is linked already."""
    directory = spool.attempt(job_id, attempt)
    directory.make()
    directory.bury()


def boottime() -> float:
    """Seconds of the clock that goes on while the machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)
