"""What ended attempts have left in the spool: a result that came too late is told of, what is old is deleted.

Each sweep looks at a few of the directories, in their order, and the next one goes on where it stopped: its
cost does not grow with all that has ever run. A directory goes only when its job's row is final, its
retention is over and no process of it lives; or when its job is forgotten, and none lives. Any other without
a row stays, since its row may come back. So does one whose number another job has now. The private work
directory that a job may have had goes first: it is known by the job's number alone, and could not be found
any more.
"""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from django.conf import settings

from jobs.execution import processes
from jobs.execution.deletion import delete
from jobs.execution.hands import Pair
from jobs.execution.late_results import READ, tell_if_late
from jobs.execution.spool import AttemptDirectory
from jobs.execution.station import Station
from jobs.models import Forgotten, Job
from jobs.models.clock import database_now

A_FEW: Final = 200
"""Directories looked at in one sweep."""


class Archive:
    """The ended attempts of one node."""

    def __init__(self, station: Station) -> None:
        self._station = station
        self._to_come: list[Pair] = []

    def sweep(self) -> None:
        """Look at the next few. One that is odd keeps none of the others from its turn."""
        directories = self._next()
        moment = database_now()
        rows = Job.objects.only(*READ).in_bulk([directory.job_id for directory in directories])
        without = [directory for directory in directories if directory.job_id not in rows]
        forgotten = Forgotten.objects.among({directory.job_id for directory in without}) if without else set()
        old = [directory for directory in without if directory.job_id in forgotten]
        for directory in directories:
            job = rows.get(directory.job_id)
            if job is None or not (job.is_final or directory.attempt < job.attempt):
                continue
            tell_if_late(job, directory, self._station)
            if _is_old(job, moment) and not directory.is_of_another(job.submitted_at):
                old.append(directory)
        self._delete(old)

    def _next(self) -> list[AttemptDirectory]:
        if not self._to_come:
            found = ((directory.job_id, directory.attempt) for directory in self._station.spool.attempts())
            self._to_come = sorted(found, reverse=True)
        few, self._to_come = self._to_come[-A_FEW:], self._to_come[:-A_FEW]
        return [self._station.spool.attempt(*pair) for pair in reversed(few)]

    def _delete(self, old: list[AttemptDirectory]) -> None:
        """Links in them, or in their place, are removed and never followed."""
        alive = {token for token, _ in processes.all_marked()} if old else set()
        in_use = _work_directories_in_use() if old else set()
        for directory in old:
            work = settings.SCRATCH / str(directory.job_id)
            if directory.token in alive or work in in_use:
                continue
            if work.is_dir() and not delete(work):
                continue
            delete(directory.path)


def _work_directories_in_use() -> set[Path]:
    """Those of ended jobs in which others work, since they were submitted from there."""
    top: Path = settings.SCRATCH
    named = Job.objects.live().filter(work_dir__startswith=f"{top}/").values_list("work_dir", flat=True)
    return {top / Path(work_dir).relative_to(top).parts[0] for work_dir in named.distinct()}


def _is_old(job: Job, moment: datetime) -> bool:
    retention: timedelta | None = settings.SPOOL_RETENTION
    if retention is None or job.ended_at is None:
        return False
    return job.is_final and job.ended_at + retention < moment
