"""T21: a node that others had given up comes back, after it has accounted for every process there is on it.

Nothing here is remembered: after a restart all of it is done again. The node is put back by a compare-and-set
on RECONCILING, so that whoever gives it up meanwhile wins. What an operator wants of it is another column.
"""

import logging

from jobs import fleet, lifecycle
from jobs.execution.records import UnreadableFileError
from jobs.execution.renewals import fence
from jobs.execution.settle import ending_of
from jobs.execution.spool import AttemptDirectory
from jobs.execution.station import Station
from jobs.execution.strays import Strays
from jobs.models import Job, Node, ResourceAllocation
from jobs.states import EventKind, Evidence, Service

logger = logging.getLogger("jobs.agent")

BUSY = "every process here is being accounted for"
DONE = "every process here is accounted for"


class Reconciliation:
    """Brings one node back."""

    def __init__(self, station: Station, strays: Strays) -> None:
        self._station = station
        self._strays = strays

    def look(self) -> None:
        """If the node was given up, go on with bringing it back, as far as that is possible now."""
        node = Node.objects.get(name=self._station.node_name)
        if node.service == Service.DOWN and not fleet.set_service(
            node, Service.RECONCILING, BUSY, fleet.AGENT
        ):
            return
        if node.service != Service.RECONCILING:
            return
        fence_dead_attempts(self._station)
        self._strays.sweep()
        if self._strays.left():
            return
        tell_late_results(self._station)
        fleet.set_service(node, Service.UP, DONE, fleet.AGENT)


def fence_dead_attempts(station: Station) -> None:
    """What was claimed here, has no ticket and lives no longer never starts. A thread may still be at it."""
    claimed = ResourceAllocation.objects.released().filter(
        node__name=station.node_name, spool_id=station.spool.spool_id, wrapper_pid=None
    )
    for job_id, attempt in claimed.values_list("job_id", "attempt"):
        fence(station.spool, job_id, attempt)


def tell_late_results(station: Station) -> None:
    """What ended here after its job was given up. The row stays as it is; the job's timeline tells of it."""
    directories = [directory for directory in station.spool.attempts() if not directory.is_told()]
    jobs = Job.objects.in_bulk({directory.job_id for directory in directories})
    for directory in directories:
        job = jobs.get(directory.job_id)
        if job is not None and _is_late(job, directory):
            _tell(directory, station)


def _is_late(job: Job, directory: AttemptDirectory) -> bool:
    if job.attempt != directory.attempt:
        return True
    return job.is_final and job.evidence != Evidence.SPOOL


def _tell(directory: AttemptDirectory, station: Station) -> None:
    try:
        outcome = directory.outcome()
    except UnreadableFileError as error:
        logger.error("job=%s attempt=%s: %s", directory.job_id, directory.attempt, error)
        return
    if outcome is None:
        return
    ending = ending_of(outcome)
    *_, sentence = ending.verdict(cancelled_by=None)
    lifecycle.note(
        directory.job_id,
        EventKind.LATE_RESULT,
        f"Attempt {directory.attempt} had run on {station.node_name}: {sentence}",
        actor=station.node_name,
        **{**ending.facts(), "attempt": directory.attempt},
    )
    directory.tell()
