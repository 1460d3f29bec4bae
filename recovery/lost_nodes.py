"""Which jobs of nodes that others cannot hear are to be settled by others, and how (T19, T20).

A lease that is over says that a node is unreachable, and nothing about its jobs. They are given up when an
operator says that the node is down, or when they must be long past their limit. Those that may run again are
requeued. Where no operator has spoken, both need a lease that has not changed for longer than wrappers take
to fence themselves, by this process's own steady clock. After an outage of the database, or a jump of its
clock, every lease is over and many a limit too: no two runs of one job overlap then, and a node has the time
to tell how its jobs have ended.
"""

import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime

from django.conf import settings

from jobs import lifecycle
from jobs.lifecycle import SeenLease
from jobs.models import Job, NodeLease
from jobs.states import Service

RECOVERY = "recovery"


class Silences:
    """For how long each node has been silent, as this process itself has seen it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._since: dict[SeenLease, float] = {}
        self._looked_at = clock()
        self._lock = threading.Lock()

    def look(self, now: datetime) -> dict[int, tuple[SeenLease, float]]:
        """The leases that are over, by node, with the seconds for which this process has seen them so.

        After a long time without a look it has seen nothing: the database was away, for the nodes too.
        """
        over = NodeLease.objects.filter(lease_until__lt=now)
        seen = [SeenLease(*row) for row in over.values_list("node_id", "incarnation", "lease_until")]
        moment = self._clock()
        with self._lock:
            if moment - self._looked_at > _patience():
                self._since.clear()
            self._looked_at = moment
            self._since = {lease: self._since.get(lease, moment) for lease in seen}
            return {lease.node_id: (lease, moment - self._since[lease]) for lease in seen}


SILENCES = Silences()
"""Of this process, across its sweeps. One that has just started has seen nothing yet, and waits."""


def find(now: datetime, silences: Silences, *, own_node: str) -> Iterator[tuple[Job, SeenLease, str]]:
    """Jobs of lost nodes that are due, each with the lease that was seen and the reason."""
    silent = silences.look(now)
    lost = Job.objects.lost_to(now).filter(node_id__in=silent).exclude(node__name=own_node)
    for job in lost.select_related("node", "partition").order_by("limit_at", "pk").iterator():
        lease, seconds = silent[job.node_id or 0]
        why = _why(job, now, seconds)
        if why:
            yield job, lease, why


def settle(job: Job, lease: SeenLease, why: str) -> bool:
    """T20 for a job that may run again, else T19."""
    write = lifecycle.requeue_lost if job.may_run_again else lifecycle.give_up
    return write(job, lease, why, actor=RECOVERY)


def _why(job: Job, now: datetime, seconds: float) -> str:
    """Why it is due. Empty: it is not, and waits for its node."""
    assert job.node is not None and job.limit_at is not None  # noqa: S101, PT018 - a running job has both
    patience = _patience()
    long = seconds > patience
    if job.may_run_again:
        return f"its agent has been silent for more than {patience:g} s" if long else ""
    if job.node.wanted == Service.DOWN:
        return f"its agent is silent, and {job.node.wanted_by} said that it is down"
    over_at = job.limit_at + job.partition.grace + settings.LIMIT_GRACE
    return "its agent is silent, and the job's limit is over" if long and over_at < now else ""


def _patience() -> float:
    seconds: float = settings.REQUEUE_AFTER.total_seconds()
    return seconds
