"""A placed job whose message is gone gets another one."""

import threading
import time
from collections.abc import Iterable, Iterator
from datetime import datetime

from django.conf import settings

from jobs import lifecycle, messages
from jobs.models import Job
from recovery.broker import messages_of
from recovery.result import Seen
from recovery.strategies.base import BATCH, RecoveryStrategy

RECOVERY = "recovery"
CLAIM_PATIENCE = 1.0
"""Seconds from a worker's popping of a message, when it is nowhere in the broker, to the claim in the row."""
EXPIRED = "A job has waited for longer than its partition allows: it expires."
LARGE_COLUMNS = ("script", "environment", "arguments")


class PendingJobRecoveryStrategy(RecoveryStrategy[Job]):
    """A job has its resources, and its message is not in its node's queue: the message is sent again.

    A job without resources needs no message; it only wakes the scheduler. A job that was not claimed for
    longer than its partition allows expires.
    """

    def __init__(self) -> None:
        self._present: dict[str, set[tuple[int, int]]] | None = None
        self._expired: set[int] = set()

    def begin(self) -> None:
        """Wake the scheduler for those that wait for resources."""
        if Job.objects.queued().exists():
            messages.wake_scheduler()

    def find(self, now: datetime) -> Iterator[Job]:
        """Placed and not claimed within the grace. The broker is looked into once, after these were read."""
        yield from self._find_expired(now)
        unclaimed = Job.objects.unclaimed_since(now - settings.DISPATCH_GRACE)
        unclaimed = unclaimed.exclude(pk__in=self._expired)
        jobs = list(unclaimed.select_related("node").defer(*LARGE_COLUMNS))  # at most one for each CPU
        self._present = messages_of({job.node.name for job in jobs if job.node}) if jobs else {}
        if self._present is not None:
            _let_workers_claim(job for job in jobs if not self._has_message(job))
        yield from jobs

    def _find_expired(self, now: datetime) -> Iterator[Job]:
        expired = Job.objects.expired(now).select_related("node", "partition").defer(*LARGE_COLUMNS)
        for job in expired[:BATCH]:
            self._expired.add(job.pk)
            yield job

    def complaint(self, sick: Job) -> str:
        """Which of the two it is."""
        return EXPIRED if sick.pk in self._expired else super().complaint(sick)

    def look(self, sick: Job) -> Seen:
        """Since when it waits, and where its message is."""
        if sick.pk in self._expired:
            waits = {
                "phase": sick.phase,
                "waits_since": sick.eligible_at.isoformat(),
                "allowed": str(sick.partition.max_pending),
            }
            return Seen(waits, "T6: expire")
        asked_at = sick.dispatched_at or sick.placed_at
        told = {
            "node": sick.node.name if sick.node else "",
            "told_at": asked_at.isoformat() if asked_at else "",
            "messages_sent": sick.dispatch_seq,
            "broker_answers": self._present is not None,
            "message_waits": self._has_message(sick),
        }
        return Seen(told, "T4: send its message again")

    def well(self, sick: Job) -> str:
        """Its message is there; or nobody can tell, and none could be sent either."""
        if sick.pk in self._expired:
            return ""
        if self._present is None:
            return "the broker does not answer"
        return "its message is in the queue" if self._has_message(sick) else ""

    def _has_message(self, job: Job) -> bool:
        """It waits in its own node's queue; another node would drop it."""
        return job.node is not None and self.pair(job) in (self._present or {}).get(job.node.name, ())

    def mend(self, sick: Job) -> bool:
        """T6; or T4: send the message again, under the same task id."""
        if sick.pk in self._expired:
            return lifecycle.expire(sick, actor=RECOVERY)
        return lifecycle.dispatch(sick, actor=RECOVERY)

    def pair(self, sick: Job) -> tuple[int, int]:
        """The job and its attempt."""
        return sick.pk, sick.attempt


def _let_workers_claim(absent: Iterable[Job]) -> None:
    """Give those a moment whose message a worker may just have popped. Once claimed, no message is sent."""
    waiting = Job.objects.placed().filter(pk__in=[job.pk for job in absent])
    pause = threading.Event()
    deadline = time.monotonic() + CLAIM_PATIENCE
    while time.monotonic() < deadline and waiting.exists():
        pause.wait(0.05)
