"""T7 and T9: a worker claims a placed job, and the ticket says that it runs."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Least

from jobs import states
from jobs.contention import patiently
from jobs.faults import faultpoint
from jobs.lifecycle.journal import change
from jobs.models import Job, ResourceAllocation
from jobs.models.clock import from_now, not_before
from jobs.states import AllocationStatus, EventKind, Reason


class Identities(NamedTuple):
    """Wrapper and job process as the ticket names them."""

    wrapper_pid: int
    wrapper_ticks: int
    pid: int
    start_ticks: int


@transaction.atomic
def start(
    job: Job,
    *,
    boot_id: str,
    spool_id: str,
    actor: str,
    cpu_indices: Sequence[int] = (),
    enforcement: Mapping[str, Any] | None = None,
) -> bool:
    """T7: the worker claims a placed job. Not begun again: meanwhile no lease is renewed.

    The limit is provisional until the ticket tells when it began."""
    slack = job.partition.grace + settings.LAUNCH_PATIENCE
    moved = job.step == states.PLACED and change(
        job,
        states.STARTING,
        EventKind.STARTED,
        actor,
        f"claimed by {actor}",
        started_at=not_before("placed_at"),
        limit_at=from_now(job.time_limit + slack),
        reason=Reason.NONE,
        detail="",
    )
    if moved:
        allocation = ResourceAllocation.objects.unreleased().filter(job=job, attempt=job.attempt)
        allocation.update(
            boot_id=boot_id,
            spool_id=spool_id,
            cpu_indices=list(cpu_indices),
            enforcement=dict(enforcement or {}),
        )
        faultpoint("claim.before_commit")
    return moved


@patiently
def activate(
    job: Job, identities: Identities, *, note: str, actor: str, age: timedelta = timedelta()
) -> bool:
    """T9: the ticket is there, so the job runs. A stopping job records the same and goes on stopping.

    `age` is how long it has run by now: its limit counts from its start, however late that is recorded.
    False: it runs no longer, or its ticket is recorded already.
    """
    to = states.STOPPING if job.step == states.STOPPING else states.ACTIVE
    moved = job.step in (states.STARTING, states.STOPPING) and change(
        job,
        to,
        EventKind.ACTIVE,
        actor,
        note,
        facts=dict(identities._asdict()),
        limit_at=Least(from_now(job.time_limit - age), F("limit_at")),
    )
    return moved and _recorded(job, identities)


def _recorded(job: Job, identities: Identities) -> bool:
    """Keep the ticket's identities. False: another thread has, and nothing of this transaction stays."""
    allocation = ResourceAllocation.objects.unreleased().filter(job=job, attempt=job.attempt)
    first = allocation.filter(wrapper_pid=None).update(
        status=AllocationStatus.ALLOCATED, started_at=not_before("allocated_at"), **identities._asdict()
    )
    if first != 1:
        transaction.set_rollback(True)
    return first == 1
