"""Attempts that were claimed here and have no ticket, when their node speaks again after a long silence.

Others may have given them up meanwhile, and run them again. The tombstone in the place of their tickets keeps
them from starting, whoever is about to launch them: a worker's thread that was frozen, or a wrapper.
"""

from jobs.execution.hands import Pair
from jobs.execution.spool import Spool
from jobs.execution.station import Station
from jobs.models import ResourceAllocation


def found(station: Station) -> set[Pair]:
    """Those that others may give up and run again, and those that they have given up and that may start yet.

    What was given up can start only out of a thread's hands or by its directory, so that nothing here costs
    more for all that has ever run.
    """
    claimed = ResourceAllocation.objects.without_ticket(station.node_name, station.spool.spool_id)
    held = claimed.unreleased().filter(job__requeue=True)
    doubtful = set(held.values_list("job_id", "attempt"))
    startable = station.in_hands()  # first: what a hand lets go meanwhile has its directory
    startable |= {(one.job_id, one.attempt) for one in station.spool.unlinked()}
    released = claimed.released().filter(job_id__in={job_id for job_id, _ in startable})
    return doubtful | startable.intersection(released.values_list("job_id", "attempt"))


def fence(spool: Spool, job_id: int, attempt: int) -> None:
    """This attempt never starts, unless its ticket is linked already."""
    directory = spool.attempt(job_id, attempt)
    directory.make()
    directory.bury()
