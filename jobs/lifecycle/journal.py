"""What every transition is made of: the compare-and-set with its event, and the release of what was held."""

import logging
from typing import Any

from jobs.contention import patiently
from jobs.models import AllocatedGpu, Job, JobEvent, ResourceAllocation
from jobs.models.clock import ClockTimestamp
from jobs.states import AllocationStatus, EventKind, State, Step

logger = logging.getLogger("jobs.lifecycle")


@patiently
def change(
    job: Job,
    to: Step,
    kind: EventKind,
    actor: str,
    message: str = "",
    *,
    facts: dict[str, Any] | None = None,
    **columns: Any,
) -> bool:
    """Move a job, and write the one event of that. False: it has moved on, and nothing is written.

    Nobody moves a job that had ended when they read it.
    """
    before = job.step
    if job.is_final or not Job.objects.move(job, to, **columns):
        return False
    record(job, kind, actor, to, message, facts=facts, before=before)
    job.state, job.phase = to
    job.hold = columns.get("hold", job.hold)
    return True


def stay(job: Job, kind: EventKind, actor: str, message: str = "", **columns: Any) -> bool:
    """Change columns of a job that stays in its step. False: it has moved on."""
    return change(job, job.step, kind, actor, message, **columns)


def record(
    job: Job,
    kind: EventKind,
    actor: str,
    to: Step,
    message: str,
    *,
    facts: dict[str, Any] | None = None,
    before: Step | None = None,
) -> None:
    """Write one event, and one line of the log."""
    came_from = before or job.step
    JobEvent.objects.create(
        job=job,
        actor=actor,
        kind=kind,
        from_state=came_from.state,
        from_phase=came_from.phase,
        to_state=to.state,
        to_phase=to.phase,
        attempt=job.attempt,
        message=message,
        evidence=facts or {},
    )
    logger.info("job=%s attempt=%s node=%s %s by %s", job.pk, job.attempt, job.node_id, kind, actor)


def free(job_id: int, *, attempt: int) -> int:
    """Release what an attempt still holds, and answer how many allocations and GPUs that was."""
    of_the_attempt = ResourceAllocation.objects.filter(job_id=job_id, attempt=attempt)
    gpus = AllocatedGpu.objects.filter(allocation__in=of_the_attempt, released=False).update(released=True)
    held = of_the_attempt.unreleased()
    return gpus + held.update(status=AllocationStatus.RELEASED, released_at=ClockTimestamp())


@patiently
def mend_allocation(allocation: ResourceAllocation, why: str, *, actor: str) -> bool:
    """Release an allocation that no transition left: a bug, a restored backup, or a hand in the database.

    False: it is released already, or is the one that its job holds by right.
    """
    job = Job.objects.select_for_update().get(pk=allocation.job_id)
    by_right = job.state in (State.PENDING, State.RUNNING) and job.node_id == allocation.node_id
    if by_right and job.attempt == allocation.attempt:
        return False
    if not free(job.pk, attempt=allocation.attempt):
        return False
    facts = {"allocation": allocation.pk, "attempt": allocation.attempt, "node": allocation.node_id}
    record(job, EventKind.ALLOCATION_MENDED, actor, job.step, why, facts=facts)
    return True


@patiently
def note(job_id: int, kind: EventKind, message: str, *, actor: str, **facts: Any) -> bool:
    """Tell of something that changed nothing in the row: a late result, a stray that was killed.

    False: there is no such job. The row is locked, so that the event says where the job really was.
    """
    job = Job.objects.select_for_update().filter(pk=job_id).first()
    if job is not None:
        record(job, kind, actor, job.step, message, facts=facts)
    return job is not None
