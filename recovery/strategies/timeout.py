"""A job far past its limit, whose wrapper did not do its duty, is killed and then recorded."""

from collections.abc import Iterator
from datetime import datetime

from django.conf import settings

from jobs.execution.settle import end_overdue, running_here
from jobs.execution.station import Station
from jobs.models import Job
from recovery.result import Seen
from recovery.sightings import seen_here
from recovery.strategies.base import MOVED_ON, RecoveryStrategy


class TimeoutJobRecoveryStrategy(RecoveryStrategy[Job]):
    """A job ran past its limit and its grace, and its wrapper did nothing: it is killed, then recorded."""

    def __init__(self, station: Station) -> None:
        self._station = station

    def find(self, now: datetime) -> Iterator[Job]:
        """Of this node, past its limit by more than its partition's grace and our own."""
        overdue = Job.objects.overdue(now - settings.LIMIT_GRACE).on(self._station.node_name)
        for job in overdue.select_related("partition", "node", "owner").order_by("limit_at", "pk"):
            over_at = job.limit_at + job.partition.grace + settings.LIMIT_GRACE if job.limit_at else now
            if over_at < now and not self._station.in_hand(job.pk, job.attempt):
                yield job

    def look(self, sick: Job) -> Seen:
        """Its limit, and what lives of it."""
        limit = {"limit_at": sick.limit_at.isoformat() if sick.limit_at else ""}
        return Seen({**limit, **seen_here(sick, self._station).evidence}, "kill, then record")

    def mend(self, sick: Job) -> bool:
        """Kill wrapper and tree; the row is written only when none of them lives."""
        return end_overdue(sick, self._station)

    def excuse(self, sick: Job) -> str:
        """It may also be just ending: its wrapper alone knows how."""
        job = running_here(self._station, *self.pair(sick))
        return MOVED_ON if job is None else "it is ending, or cannot be killed; the next sweep looks again"

    def pair(self, sick: Job) -> tuple[int, int]:
        """The job and its attempt."""
        return sick.pk, sick.attempt
