"""A running job of this node whose supervision broke is settled by what its spool and processes say."""

from collections.abc import Iterator
from datetime import datetime

from django.core.exceptions import ObjectDoesNotExist

from jobs.execution.settle import examine, needs_settling, running_here, settle
from jobs.execution.station import Station
from jobs.execution.verdict import Verdict
from jobs.models import Job
from recovery.strategies.base import MOVED_ON, RecoveryStrategy

LEFT = {
    Verdict.HEALTHY: "its wrapper lives, and has been asked again to end it if somebody wants that",
    Verdict.ADOPT: "its wrapper is gone and it lives: it is watched, and killed when its end is due",
}
"""Why nothing was changed, by what the node sees of the job."""


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

    def excuse(self, sick: Job) -> str:
        """What became of one whose row needed no change, or was changed by somebody else."""
        job = running_here(self._station, *self.pair(sick))
        return MOVED_ON if job is None else LEFT.get(examine(job, self._station), MOVED_ON)

    def pair(self, sick: Job) -> tuple[int, int]:
        """The job and its attempt."""
        return sick.pk, sick.attempt
