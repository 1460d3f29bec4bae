"""The numbers of the jobs that one node has had: a database that was put back gives none of them again.

The spool remembers them, and is looked through once. Whoever puts a database back need not start the agents
anew for it: the lease is in the older copy too. So what was claimed since is remembered here, and told at
every renewal. A number that was given again before that finds the old job's directory out of its way.
"""

import logging

from django.conf import settings

from jobs import numbers
from jobs.execution import processes
from jobs.execution.spool import Spool
from jobs.models import Job

logger = logging.getLogger("jobs.agent")


class PastNumbers:
    """Of one node."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._highest = 0

    def recall(self) -> None:
        """Look through the spool, and tell the database."""
        self._tell({directory.job_id for directory in self._spool.attempts()})

    def add(self, job_id: int) -> None:
        """A job that was claimed now."""
        self._highest = max(self._highest, job_id)

    def repeat(self) -> None:
        """Tell the database again: it may be another one than it was."""
        self._tell({self._highest})

    def _tell(self, had: set[int]) -> None:
        highest, forgotten = numbers.never_again(had)
        self.add(highest)
        if forgotten:
            logger.error(
                "the database had forgotten jobs up to %s; their numbers are not given again", highest
            )


def make_way(job: Job, spool: Spool) -> bool:
    """Set aside what another job of this number has left here, before this one is claimed.

    False: that one still runs, for nobody. Its processes are strays, and the sweep ends them first; this
    job's message is sent again meanwhile. A directory that is this job's own is left: it has run already.
    """
    directory = spool.attempt(job.pk, job.attempt)
    if not directory.is_of_another(job.submitted_at):
        return True
    if processes.marked(directory.token):
        logger.error("job=%s attempt=%s: another job of this number runs here; not claimed", *directory.pair)
        return False
    aside = directory.set_aside()
    scratch = settings.SCRATCH / str(job.pk)
    if scratch.is_dir():
        scratch.rename(scratch.with_name(aside.name))
    logger.error("job=%s attempt=%s: another job had this number; see %s", *directory.pair, aside)
    return True
