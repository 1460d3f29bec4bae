"""T1: a valid request becomes a job. It is accepted once its transaction has committed."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from django.db import IntegrityError

from jobs import messages, states
from jobs.contention import patiently
from jobs.errors import IdempotencyConflict
from jobs.faults import faultpoint
from jobs.lifecycle.journal import record
from jobs.models import Job, Partition
from jobs.spec import JobSpec, fingerprint
from jobs.states import EventKind, Hold, Reason, Source

if TYPE_CHECKING:
    from django.contrib.auth.models import User

HELD = "{} holds it until it is released."
NEW = "The scheduler looks at it within a second."


def submit(
    spec: JobSpec, owner: "User", *, source: Source, key: str | None = None, rerun_of: Job | None = None
) -> tuple[Job, bool]:
    """T1. Answer the job and whether it is new: the same key with the same request is the first job again.

    Raises IdempotencyConflict when the key was used for another request. Accepted once this returns.
    """
    digest = fingerprint(spec)
    try:
        job = _insert(spec, owner, digest, source=source, key=key, rerun_of=rerun_of)
    except IntegrityError:
        first = Job.objects.filter(owner=owner, idempotency_key=key).first() if key else None
        if first is None:
            raise
        if first.request_digest != digest:
            raise IdempotencyConflict(str(key)) from None
        return first, False
    faultpoint("submit.after_commit")
    return job, True


@patiently
def _insert(spec: JobSpec, owner: "User", digest: str, **columns: Any) -> Job:
    held = spec.hold
    job = Job.objects.create(
        name=spec.name,
        owner=owner,
        partition=Partition.objects.get(name=spec.partition),
        script=spec.script,
        arguments=list(spec.arguments),
        environment=dict(spec.environment),
        work_dir=spec.work_dir,
        **asdict(spec.files),
        **_warning(spec),
        requeue=spec.requeue,
        max_attempts=spec.max_attempts,
        cpus=spec.cpus,
        memory_mb=spec.memory_mb,
        gpus=spec.gpus,
        time_limit=spec.time_limit,
        priority=spec.priority,
        hold=Hold.USER if held else Hold.NONE,
        reason=Reason.JOB_HELD_USER if held else Reason.NOT_CONSIDERED_YET,
        detail=HELD.format(owner.get_username()) if held else NEW,
        request_digest=digest,
        idempotency_key=columns["key"],
        source=columns["source"],
        rerun_of=columns["rerun_of"],
    )
    job.refresh_from_db()
    record(job, EventKind.SUBMITTED, owner.get_username(), states.QUEUED, f"submitted by {columns['source']}")
    messages.wake_scheduler()
    faultpoint("submit.before_commit")
    return job


def _warning(spec: JobSpec) -> dict[str, Any]:
    if spec.warning is None:
        return {}
    return {
        "warning_signal": spec.warning.number,
        "warning_seconds": spec.warning.seconds,
        "warning_to_shell": spec.warning.to_shell,
    }
