"""Celery's names, bound to the runner."""

from celery import shared_task

from jobs import messages
from jobs.execution import runner


@shared_task(name=messages.EXECUTE, throws=(runner.JobEndedBadly,))
def execute(job_id: int, attempt: int) -> None:
    """Run one attempt of one job. Safe to deliver twice."""
    runner.run(job_id, attempt)
