"""T19 and T20: a node is lost, and others settle its jobs.

Nobody but its own node can know that a process is dead, so all that others may see is that the node's lease
is over. They see it again in the transaction that writes, behind the lease's lock, and put the node out of
service in it: it comes back only after it has accounted for every process (T21).
"""

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from jobs import fleet, messages, states
from jobs.contention import patiently
from jobs.faults import faultpoint
from jobs.lifecycle.end import lose
from jobs.lifecycle.journal import change, free
from jobs.lifecycle.place import WAITING_AGAIN
from jobs.models import Job, Node, NodeLease
from jobs.models.clock import ClockTimestamp, not_before
from jobs.states import EventKind, Evidence, Reason, Service, State


class SeenLease(NamedTuple):
    """A node's lease as whoever decides has seen it. Another incarnation, or a renewal, is another lease."""

    node_id: int
    incarnation: int
    lease_until: datetime


def give_up(job: Job, seen: SeenLease, why: str, *, actor: str) -> bool:
    """T19: its node is lost. False: the node speaks again, or the job has moved on."""
    detail = f"Its node {job.node} is lost: {why}. Whether it ran to its end there is not known."

    def write() -> bool:
        return lose(job, Reason.NODE_FAIL, detail, evidence=Evidence.NONE, actor=actor)

    return _settle_lost(job, seen, write, why, actor)


def requeue_lost(job: Job, seen: SeenLease, why: str, *, actor: str) -> bool:
    """T20: its node has been lost for so long that its wrapper has fenced itself: it may run again."""
    return _settle_lost(
        job, seen, lambda: requeue(job, f"its node {job.node} is lost", actor=actor), why, actor
    )


@patiently
def requeue(job: Job, why: str, *, actor: str) -> bool:
    """T20. False: it may not run again, or has moved on. Whoever calls has proof that its run is over."""
    runs_again = job.state == State.RUNNING and job.may_run_again
    moved = runs_again and change(
        job,
        states.QUEUED,
        EventKind.REQUEUED,
        actor,
        why,
        facts={"runs": job.attempt - job.unstarted, "max_attempts": job.max_attempts},
        **WAITING_AGAIN,
        reason=Reason.NOT_CONSIDERED_YET,
        detail=f"Back in the queue, to run again: {why}.",
        eligible_at=not_before("eligible_at"),
    )
    if moved:
        free(job.pk, attempt=job.attempt)
        messages.wake_scheduler()
    return moved


@patiently
def _settle_lost(job: Job, seen: SeenLease, write: Callable[[], bool], why: str, actor: str) -> bool:
    """Write, and put the node out of service, if its lease is the one that was seen and still over."""
    node = Node.objects.filter(pk=seen.node_id).locked().get()
    lease = NodeLease.objects.select_for_update().filter(pk=seen.node_id).get()
    over = NodeLease.objects.filter(**seen._asdict(), lease_until__lte=ClockTimestamp())
    if lease.lease_until != seen.lease_until or not over.exists() or job.node_id != node.pk or not write():
        return False
    if node.service != Service.DOWN:
        fleet.set_service(node, Service.DOWN, why, actor)
    faultpoint("lost.before_commit")
    return True
