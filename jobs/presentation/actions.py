"""Which verbs apply to a job, and to whom. Only offers: lifecycle decides again when one is asked for."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from jobs.models import Job
from jobs.states import Hold, Phase, State

if TYPE_CHECKING:
    from django.contrib.auth.models import User


@dataclass(frozen=True, kw_only=True)
class Actions:
    """What the page of a job offers."""

    cancel: bool
    hold: bool
    release: bool
    rerun: bool


def offered(job: Job, user: "User", *, may_change: bool, operates: bool) -> Actions:
    """What applies to the job in its present state, for somebody who may change it or not."""
    waits = may_change and job.state == State.PENDING
    return Actions(
        cancel=may_change and not job.is_final and job.phase != Phase.STOPPING,
        hold=waits and not job.is_held,
        release=waits and job.is_held and may_release(job, operates=operates),
        rerun=job.is_final and may_rerun(job, user),
    )


def may_release(job: Job, *, operates: bool) -> bool:
    """Only an operator lifts an operator's hold."""
    return operates or job.hold != Hold.ADMIN


def may_rerun(job: Job, user: "User") -> bool:
    """A rerun takes the variables of the first job along, whose values are its owner's to see."""
    return job.owner_id == user.pk or not job.environment
