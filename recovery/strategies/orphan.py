"""A running job whose supervision broke is settled: by its own node, or by others when that node is lost."""

import logging
from collections.abc import Iterator
from datetime import datetime

from django.core.exceptions import ObjectDoesNotExist

from jobs.execution.ends import AWAY
from jobs.execution.settle import examine, needs_settling, running_here, settle
from jobs.execution.station import Station
from jobs.execution.verdict import Verdict
from jobs.lifecycle import SeenLease
from jobs.models import Job
from recovery import lost_nodes
from recovery.lost_nodes import Silences
from recovery.result import Seen
from recovery.sightings import seen_here
from recovery.strategies.base import MOVED_ON, RecoveryStrategy

logger = logging.getLogger("recovery")

LEFT = {
    Verdict.HEALTHY: "its wrapper lives, and has been asked again to end it if somebody wants that",
    Verdict.ADOPT: "its wrapper is gone and it lives: it is watched, and killed when its end is due",
}
"""Why nothing was changed, by what the node sees of the job."""


class OrphanJobRecoveryStrategy(RecoveryStrategy[Job]):
    """A job of this node is RUNNING in its row, its spool or its processes say otherwise: it is settled.

    Of a job of another node nobody here can say such a thing: it is settled only when that node is lost.
    """

    def __init__(self, station: Station | None, silences: Silences = lost_nodes.SILENCES) -> None:
        self._station = station
        self._silences = silences
        self._lost: dict[int, tuple[SeenLease, str]] = {}

    def find(self, now: datetime) -> Iterator[Job]:
        """Running here, and not what its row says; or running on a node that is lost, and due."""
        if self._station is not None:
            yield from self._find_here(self._station)
        own_node = self._station.node_name if self._station else ""
        for job, lease, why in lost_nodes.find(now, self._silences, own_node=own_node):
            self._lost[job.pk] = lease, why
            yield job

    def _find_here(self, station: Station) -> Iterator[Job]:
        """Those in the hands of a worker thread are left to it."""
        here = Job.objects.running().on(station.node_name).select_related("partition", "node", "owner")
        for job in here.order_by("pk").iterator():
            if not station.in_hand(job.pk, job.attempt) and _looks_sick(job, station):
                yield job

    def complaint(self, sick: Job) -> str:
        """Which of the two it is."""
        if sick.pk not in self._lost:
            return super().complaint(sick)
        return f"A job's node {sick.node} is lost: {self._lost[sick.pk][1]}."

    def look(self, sick: Job) -> Seen:
        """Its spool and its processes; or the lease of its node, which is all that others can see."""
        if sick.pk in self._lost:
            lease, why = self._lost[sick.pk]
            seen = {
                "node": str(sick.node),
                "incarnation": lease.incarnation,
                "lease_until": lease.lease_until.isoformat(),
                "why": why,
            }
            return Seen(seen, "T20: queue it again" if sick.may_run_again else "T19: give it up")
        return seen_here(sick, self._station) if self._station is not None else Seen()

    def mend(self, sick: Job) -> bool:
        """T19 or T20; or here, whatever row of the agent's decision table fits now."""
        if sick.pk in self._lost:
            return lost_nodes.settle(sick, *self._lost[sick.pk])
        return self._station is not None and settle(sick, self._station)

    def excuse(self, sick: Job) -> str:
        """What became of one whose row needed no change, or was changed by somebody else."""
        if sick.pk in self._lost or self._station is None:
            return "its node speaks again, or it has moved on"
        job = running_here(self._station, *self.pair(sick))
        return MOVED_ON if job is None else LEFT.get(examine(job, self._station), MOVED_ON)

    def pair(self, sick: Job) -> tuple[int, int]:
        """The job and its attempt."""
        return sick.pk, sick.attempt


def _looks_sick(job: Job, station: Station) -> bool:
    """One that cannot be looked at is sick too: mending it tells why, and the next one has its turn."""
    try:
        return needs_settling(job, station)
    except (OSError, ObjectDoesNotExist):
        return True
    except AWAY:
        raise
    except Exception:
        logger.exception("job=%s attempt=%s: it cannot be looked at", job.pk, job.attempt)
        return True
