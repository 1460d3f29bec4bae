"""How an attempt ended, when its job was decided without that: told in the job's timeline, once, and no more.

The row stays as it is. The file `told` in the attempt's directory says that nobody needs to be told again.
"""

import logging

from jobs import lifecycle
from jobs.execution.ends import AWAY
from jobs.execution.settle import ending_of
from jobs.execution.spool import AttemptDirectory
from jobs.execution.station import Station
from jobs.models import Job, JobEvent
from jobs.states import EventKind, Evidence

logger = logging.getLogger("jobs.agent")

READ = ("state", "phase", "hold", "attempt", "evidence", "submitted_at", "ended_at")
"""What is needed of a job: its script may be long."""


def tell_all(station: Station) -> None:
    """Of every late result that lies here."""
    untold = [directory for directory in station.spool.attempts() if not directory.is_told()]
    jobs = Job.objects.only(*READ).in_bulk({directory.job_id for directory in untold})
    for directory in untold:
        if job := jobs.get(directory.job_id):
            tell_if_late(job, directory, station)


def tell_if_late(job: Job, directory: AttemptDirectory, station: Station) -> None:
    """One that cannot be read is told to the log, and keeps none of the others from being told."""
    try:
        ours = not directory.is_of_another(job.submitted_at)
        if ours and is_late(job, directory) and not directory.is_told():
            _tell(job, directory, station)
    except OSError as error:
        logger.error("job=%s attempt=%s: %s", directory.job_id, directory.attempt, error)
    except AWAY:
        raise
    except Exception:
        logger.exception("job=%s attempt=%s: its result is not told", directory.job_id, directory.attempt)


def is_late(job: Job, directory: AttemptDirectory) -> bool:
    """The job is at another attempt by now, or has ended, and not by this result."""
    return job.attempt != directory.attempt or (job.is_final and job.evidence != Evidence.SPOOL)


def _tell(job: Job, directory: AttemptDirectory, station: Station) -> None:
    outcome = directory.outcome()
    if outcome is None:
        return
    late = JobEvent.objects.filter(job=job, kind=EventKind.LATE_RESULT)
    if not late.filter(evidence__attempt=directory.attempt).exists():
        ending = ending_of(outcome)
        *_, sentence = ending.verdict(cancelled_by=None)
        lifecycle.note(
            job.pk,
            EventKind.LATE_RESULT,
            f"Attempt {directory.attempt} had run on {station.node_name}: {sentence}",
            actor=station.node_name,
            **{**ending.facts(), "attempt": directory.attempt},
        )
    directory.tell()
