"""Who asks, and which job they mean. A job that is not theirs to see is the 404 of one that is not there."""

from typing import TYPE_CHECKING, cast

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.shortcuts import get_object_or_404

from jobs.models import Job

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def person(request: HttpRequest) -> "User":
    """Who asks. Nobody gets this far without being logged in."""
    return cast("User", request.user)


def find(request: HttpRequest, pk: int) -> Job:
    """A job that this person may see."""
    jobs = Job.objects.visible_to(person(request)).select_related("owner", "partition", "node")
    return get_object_or_404(jobs, pk=pk)


def find_changeable(request: HttpRequest, pk: int) -> Job:
    """A job that this person may see and change. Refuses those who may only read it."""
    job = find(request, pk)
    if not may_change(request, job):
        raise PermissionDenied(
            f"You may read job {pk}; only {job.owner.get_username()} and operators may change it."
        )
    return job


def may_change(request: HttpRequest, job: Job) -> bool:
    """It is theirs, or they are an operator."""
    return Job.objects.changeable_by(person(request)).filter(pk=job.pk).exists()
