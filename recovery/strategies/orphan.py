"""A running job of this node whose supervision broke is settled by what its spool and processes say."""

from collections.abc import Iterator
from datetime import datetime

from django.core.exceptions import ObjectDoesNotExist

from jobs.execution.settle import needs_settling, settle
from jobs.execution.station import Station
from jobs.models import Job
from recovery.strategies.base import RecoveryStrategy


class OrphanJobRecoveryStrategy(RecoveryStrategy[Job]):
    """A job of this node is RUNNING in its row, its spool or its processes say otherwise: it is settled."""

    def __init__(self, station: Station) -> None:
        self._station = station

    def find(self, now: datetime) -> Iterator[Job]:
        """Running here, and not what its row says. Those in the hands of a worker thread are left to it."""
        del now
        here = Job.objects.running().on(self._station.node_name).select_related("partition", "node", "owner")
        for job in here.order_by("pk").iterator():
            if not self._station.in_hand(job.pk, job.attempt) and self._looks_sick(job):
                yield job

    def _looks_sick(self, job: Job) -> bool:
        """One that cannot be looked at is sick too: mending it tells why, and the next one has its turn."""
        try:
            return needs_settling(job, self._station)
        except (OSError, ObjectDoesNotExist):
            return True

    def mend(self, sick: Job) -> bool:
        """Whatever row of the agent's decision table fits now."""
        return settle(sick, self._station)

    def pair(self, sick: Job) -> tuple[int, int]:
        """The job and its attempt."""
        return sick.pk, sick.attempt
