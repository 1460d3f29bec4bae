"""The numbers of the jobs that one node has had: a database that was put back gives none of them again.

The spool remembers them, and is looked through once. Whoever puts a database back need not start the agents
anew for it: the lease is in the older copy too. So what was claimed since is remembered here, and told at
every renewal.
"""

import logging

from jobs import numbers
from jobs.execution.spool import Spool

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
