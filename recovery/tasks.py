"""The task that Celery Beat sends: a name and one call."""

from celery import shared_task

from jobs import messages
from jobs.models.clock import database_now
from recovery import retention
from recovery.manager import RecoveryManager


@shared_task(name="recovery.tasks.recover")
def recover() -> None:
    """The part that belongs to no node, and what is over; every agent is asked to sweep its own."""
    RecoveryManager().recover()
    messages.remind_agents()
    retention.keep_house(database_now())
