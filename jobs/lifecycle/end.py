"""T5, T10 to T18: how a job ends. The final state, the release and the event are one transaction."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings

from jobs import messages, states
from jobs.contention import patiently
from jobs.ending import Ending
from jobs.faults import faultpoint
from jobs.lifecycle.journal import change, free
from jobs.lifecycle.place import give_back
from jobs.models import Counter, Job, ResourceAllocation, Tally
from jobs.models.clock import not_before
from jobs.states import EventKind, Evidence, Reason, State, Step


@patiently
def end(
    job: Job,
    to: Step,
    reason: Reason,
    detail: str,
    *,
    actor: str,
    evidence: Evidence = Evidence.NONE,
    facts: dict[str, Any] | None = None,
    **columns: Any,
) -> bool:
    """Make a job final, release what it held, and wake the scheduler. False: it has moved on."""
    columns.setdefault("node", job.node if job.state == State.RUNNING else None)
    moved = change(
        job,
        to,
        EventKind.FINISHED,
        actor,
        detail,
        facts={"reason": reason, "evidence": evidence, **(facts or {})},
        reason=reason,
        detail=detail,
        evidence=evidence,
        ended_at=not_before("submitted_at", "placed_at", "started_at"),
        **columns,
    )
    if moved:
        free(job.pk, attempt=job.attempt)
        Tally.objects.count_one(Counter.ENDED, to.state, reason)
        messages.wake_scheduler()
    return moved


@patiently
def finish(job: Job, ending: Ending, *, actor: str) -> bool:
    """T10, T12, T13: record how the job ended, by its wrapper's own word, and release what it held."""
    if job.state != State.RUNNING:
        return False
    by = job.cancel_requested_by if _is_stopping(job) else None
    to, reason, detail = ending.verdict(cancelled_by=by)
    evidence, facts = ending.evidence, ending.facts()
    if not end(job, to, reason, detail, actor=actor, evidence=evidence, facts=facts, **ending.columns()):
        return False
    if ending.usage:
        ResourceAllocation.objects.filter(job=job, attempt=job.attempt).update(usage=ending.usage)
    faultpoint("ingest.before_commit")
    return True


@patiently
def finish_all(*jobs: Job, endings: Sequence[Ending], actor: str) -> list[Job]:
    """T10, T12, T13 of several jobs in one transaction. Answers those that had not moved on meanwhile."""
    in_order = sorted(zip(jobs, endings, strict=True), key=lambda told: told[0].pk)  # as every lock order
    return [job for job, ending in in_order if finish(job, ending, actor=actor)]


def lose(job: Job, reason: Reason, detail: str, *, evidence: Evidence, actor: str) -> bool:
    """T17, T18: wrapper and process are gone without a result. Only the job's own node may say so."""
    if job.state != State.RUNNING:
        return False
    if _is_stopping(job):
        return end(job, states.CANCELLED, Reason.CANCELLED, detail, actor=actor, evidence=evidence)
    return end(job, states.FAILED, reason, detail, actor=actor, evidence=evidence)


def expire(job: Job, *, actor: str) -> bool:
    """T6: it has waited for longer than its partition allows. False: it waits no longer."""
    allowed = f"the {job.partition.max_pending} that partition {job.partition} allows"
    detail = f"It waited for a place for longer than {allowed}."
    pending = job.state == State.PENDING
    return pending and end(job, states.FAILED, Reason.EXPIRED, detail, actor=actor)


def return_unstarted(job: Job, *, actor: str) -> bool:
    """T16. Only for the agent that has won this attempt's ticket: it has never started and never will."""
    if job.state != State.RUNNING:
        return False
    if _is_stopping(job):
        return end(job, states.CANCELLED, Reason.CANCELLED, "Cancelled before it started.", actor=actor)
    if job.unstarted + 1 >= settings.UNSTARTED_LIMIT:
        detail = f"{job.unstarted + 1} of its attempts were given a place, and none of them was started."
        return end(job, states.FAILED, Reason.JOB_LAUNCH_FAILURE, detail, actor=actor)
    return give_back(job, "the attempt never started", actor=actor)


def cancel(job: Job, *, actor: str) -> bool:
    """T5, T11. False: it is stopping already, or has ended. Never CANCELLED while a process lives."""
    while job.step in (states.QUEUED, states.PLACED, states.STARTING, states.ACTIVE):
        if _cancel(job, actor):
            return True
        job.refresh_from_db()
    return False


def _is_stopping(job: Job) -> bool:
    """Somebody asked for its end: told by the phase, on which the write that follows is guarded."""
    return job.step == states.STOPPING


@patiently
def _cancel(job: Job, actor: str) -> bool:
    if job.state == State.PENDING:
        return end(
            job, states.CANCELLED, Reason.CANCELLED, f"Cancelled by {actor} before it started.", actor=actor
        )
    requested = change(
        job,
        states.STOPPING,
        EventKind.CANCEL_REQUESTED,
        actor,
        f"{actor} asked for its end",
        cancel_requested_at=not_before("started_at"),
        cancel_requested_by=actor,
        detail=f"Being stopped for {actor}.",
    )
    if requested and job.node is not None:
        messages.wake_agent(job.node.name)
        faultpoint("cancel.before_commit")
    return requested
