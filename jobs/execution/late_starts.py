"""Attempts that were claimed here and have no ticket, when their node speaks again after a long silence.

Others may have given them up meanwhile, and run them again. The tombstone in the place of their tickets keeps
them from starting, whoever is about to launch them: a worker's thread that was frozen, or a wrapper.
"""

import errno
import logging
from collections.abc import Iterable
from typing import Final

from jobs.execution.hands import Pair
from jobs.execution.spool import Spool
from jobs.execution.station import Station
from jobs.models import ResourceAllocation

logger = logging.getLogger("jobs.agent")

ITS_OWN: Final = (errno.ENOTDIR, errno.ENOENT, errno.ELOOP, errno.EXDEV, errno.EACCES, errno.EPERM)
"""Its job has put something else in its directory's place, or locked it: no wrapper links there either."""


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


def fence(spool: Spool, pairs: Iterable[Pair]) -> None:
    """None of these starts any more, unless its ticket is linked already.

    Raises OSError when the spool takes no tombstones: nothing is to be built on this then.
    """
    for job_id, attempt in pairs:
        directory = spool.attempt(job_id, attempt)
        directory.make()
        try:
            directory.bury()
        except OSError as error:
            if error.errno not in ITS_OWN or not (spool.path / "tombstone").exists():
                raise
            logger.error("job=%s attempt=%s: cannot be fenced: %s", job_id, attempt, error)
