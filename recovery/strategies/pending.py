"""A placed job whose message is gone gets another one."""

from collections.abc import Iterator
from datetime import datetime

from django.conf import settings

from jobs import lifecycle, messages
from jobs.models import Job
from recovery.broker import messages_of
from recovery.strategies.base import RecoveryStrategy

RECOVERY = "recovery"
LARGE_COLUMNS = ("script", "environment", "arguments")


class PendingJobRecoveryStrategy(RecoveryStrategy[Job]):
    """A job has its resources, and its message is not in its node's queue: the message is sent again.

    A job without resources needs no message; it only wakes the scheduler.
    """

    def __init__(self) -> None:
        self._present: set[tuple[int, int]] | None = None

    def find(self, now: datetime) -> Iterator[Job]:
        """Placed and not claimed within the grace. The broker is looked into once, after these were read."""
        if Job.objects.queued().exists():
            messages.wake_scheduler()
        unclaimed = Job.objects.unclaimed_since(now - settings.DISPATCH_GRACE)
        jobs = list(unclaimed.select_related("node").defer(*LARGE_COLUMNS))  # at most one for each CPU
        self._present = messages_of({job.node.name for job in jobs if job.node}) if jobs else set()
        yield from jobs

    def well(self, sick: Job) -> str:
        """Its message is there; or nobody can tell, and none could be sent either."""
        if self._present is None:
            return "the broker does not answer"
        return "its message is in the queue" if self.pair(sick) in self._present else ""

    def mend(self, sick: Job) -> bool:
        """T4: send the message again, under the same task id."""
        return lifecycle.dispatch(sick, actor=RECOVERY)

    def pair(self, sick: Job) -> tuple[int, int]:
        """The job and its attempt."""
        return sick.pk, sick.attempt
