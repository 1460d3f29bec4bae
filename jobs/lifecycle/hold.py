"""A person keeps a pending job from being placed, and lets it go."""

from collections import defaultdict
from collections.abc import Iterable

from jobs import messages, states
from jobs.contention import patiently
from jobs.lifecycle.journal import stay
from jobs.lifecycle.place import HELD_REASONS, give_back
from jobs.models import Job, Partition
from jobs.models.clock import not_before
from jobs.states import EventKind, Hold, Reason


def hold(job: Job, by: Hold, *, actor: str) -> bool:
    """Keep a pending job from being placed. False: it is held already, or pending no longer."""
    while job.step in (states.QUEUED, states.PLACED) and not job.is_held:
        if _hold(job, by, actor):
            return True
        job.refresh_from_db()
    return False


def _hold(job: Job, by: Hold, actor: str) -> bool:
    if job.step == states.PLACED:
        return give_back(job, f"held by {actor}", actor=actor, held=by)
    detail = f"{actor} holds it until it is released."
    return stay(
        job, EventKind.HELD, actor, f"held by {actor}", hold=by, reason=HELD_REASONS[by], detail=detail
    )


def release(job: Job, *, actor: str) -> bool:
    """Lift a hold. False: it is not held, or pending no longer."""
    if job.step != states.QUEUED or not job.is_held:
        return False
    detail = f"Released by {actor}; the scheduler looks at it within a second."
    released = stay(
        job,
        EventKind.RELEASED,
        actor,
        f"released by {actor}",
        hold=Hold.NONE,
        reason=Reason.NOT_CONSIDERED_YET,
        detail=detail,
        eligible_at=not_before("eligible_at"),
    )
    if released:
        messages.wake_scheduler()
    return released


def remark(job: Job, detail: str) -> bool:
    """Say of a running job what there is to know. No event, as it is no transition. False: it ended."""
    same = Job.objects.running().filter(pk=job.pk, attempt=job.attempt, phase=job.phase)
    return same.exclude(detail=detail).update(detail=detail) == 1


@patiently
def explain_partition(partition: Partition, reason: Reason, detail: str) -> int:
    """Say of all that nobody holds in it why they wait, in one write, and answer of how many that was new."""
    waiting = Job.objects.queued().filter(partition=partition, hold=Hold.NONE)
    news = waiting.exclude(reason=reason, detail=detail).unlocked()
    return waiting.filter(pk__in=news.values("pk")).update(reason=reason, detail=detail)


@patiently
def explain_all(jobs: Iterable[Job], reason: Reason, detail: str) -> int:
    """Say of many jobs at once why they wait, and answer of how many: the others wait no longer.

    No transition, so no event.
    """
    alike = defaultdict(list)
    for job in jobs:
        alike[job.attempt, job.hold].append(job.pk)
    return sum(
        Job.objects.queued()
        .filter(pk__in=Job.objects.filter(pk__in=keys).unlocked().values("pk"), attempt=attempt, hold=hold)
        .update(reason=reason, detail=detail)
        for (attempt, hold), keys in alike.items()
    )
