"""A node's own health: it goes out of service when it should get no more jobs, and comes back by itself.

Only the agent's own word moves (`service`, UP and DRAIN); what an operator wants of the node stays as it is,
and so do RECONCILING and DOWN. The sentences hold no changing figures, so that each is told of once.
"""

import logging
import os
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings

from jobs import fleet, lifecycle
from jobs.execution import processes
from jobs.execution.durable import write_in_place
from jobs.execution.processes import Identity
from jobs.execution.spool import Spool
from jobs.execution.station import Station, identities
from jobs.execution.strays import Strays
from jobs.models import Job, Node, ResourceAllocation
from jobs.models.clock import database_now
from jobs.states import Phase, Service

logger = logging.getLogger("jobs.agent")

MEBIBYTE: Final = 2**20
FEWEST_FILES: Final = 1_000
NEARLY_FULL: Final = "Its spool's disk is nearly full"
WELL: Final = "it is well again"
CLOCK_TOLERANCE: Final = 5.0
"""Seconds. Nothing here depends on this machine's clock, but the times in a job's own output do."""


class Health:
    """Looks after one node."""

    def __init__(self, station: Station, strays: Strays) -> None:
        self._station = station
        self._strays = strays
        self._clock_is_off = False

    def look(self) -> None:
        """Take the node out of service or put it back, as what is found asks for."""
        node = Node.objects.get(name=self._station.node_name)
        moment = database_now()
        self._compare_clocks(node)
        trouble = " ".join(self._troubles(node, moment))
        ours = node.service == Service.DRAIN and node.service_by == fleet.AGENT
        if trouble and (ours or node.service == Service.UP):
            if fleet.set_service(node, Service.DRAIN, trouble, fleet.AGENT):
                logger.error("node %s takes no more jobs: %s", node.name, trouble)
        elif ours and not trouble:
            fleet.set_service(node, Service.UP, WELL, fleet.AGENT)

    def _troubles(self, node: Node, moment: datetime) -> Iterator[str]:
        yield from spool_troubles(self._station.spool, drained=NEARLY_FULL in node.service_reason)
        for job in overdue(self._station, moment):
            for survivor in survivors(self._station, job):
                lifecycle.remark(job, _remark(survivor, node))
                yield _outlives(survivor)
        for stray in self._strays.unkillable():
            yield _outlives(stray)

    def _compare_clocks(self, node: Node) -> None:
        """Tell of a clock that is off, once, and once when it is right again. It changes nothing else."""
        before = time.time()
        told = database_now().timestamp()
        after = time.time()
        ahead = (before + after) / 2 - told
        is_off = abs(ahead) > CLOCK_TOLERANCE + (after - before)
        if is_off is not self._clock_is_off:
            self._clock_is_off = is_off
            fleet.tell(node, fleet.AGENT, "clock", clock_sentence(ahead) if is_off else "its clock is right")


def clock_sentence(ahead: float) -> str:
    """How far this machine's clock is from the database's."""
    side = "ahead of" if ahead > 0 else "behind"
    return f"its clock is {abs(ahead):.0f} s {side} the database's; the platform goes by the database's"


def spool_troubles(spool: Spool, *, drained: bool) -> Iterator[str]:
    """What is wrong with its disk. A node drained for that comes back only with twice the reserve free."""
    needed = settings.SPOOL_RESERVE_MB * (2 if drained else 1)
    try:
        write_in_place(spool.path / "probe", b"\n")
        disk = os.statvfs(spool.path)
    except OSError as error:
        yield f"Its spool cannot be written: {error.strerror}."
        return
    files_left = disk.f_favail if disk.f_files else FEWEST_FILES
    if disk.f_bavail * disk.f_frsize < needed * MEBIBYTE or files_left < FEWEST_FILES:
        yield f"{NEARLY_FULL}; with {2 * settings.SPOOL_RESERVE_MB} MiB free it comes back by itself."


def overdue(station: Station, moment: datetime) -> list[Job]:
    """Jobs here that should have been killed long ago: after every grace there is."""
    running = Job.objects.running().on(station.node_name).select_related("partition", "node").order_by("pk")
    return [job for job in running if _over_at(job) < moment]


def survivors(station: Station, job: Job) -> list[Identity]:
    """Its processes that live, without its wrapper. A row without its allocation is not ours to judge."""
    allocation = ResourceAllocation.objects.filter(job=job, attempt=job.attempt).first()
    if allocation is None:
        return []
    wrapper, process = identities(station.ticket_of(job), allocation)
    found = set(processes.marked(station.token_of(job, allocation))) | processes.tree(filter(None, [process]))
    return sorted(found - {wrapper}, key=lambda identity: identity.pid)


def _over_at(job: Job) -> datetime:
    asked = [job.limit_at, job.cancel_requested_at if job.phase == Phase.STOPPING else None]
    due = min(moment for moment in asked if moment is not None)
    patience = job.partition.grace + 2 * settings.LIMIT_GRACE
    return due + patience + timedelta(seconds=processes.PATIENCE)


def _outlives(process: Identity) -> str:
    return f"Process {process.pid} outlives its KILL."


def _remark(process: Identity, node: Node) -> str:
    return (
        f"It was to end, and its process {process.pid} outlives KILL: the system does not let it go. Until "
        f"it has gone, its resources stay taken, and {node.name} takes no new jobs."
    )
