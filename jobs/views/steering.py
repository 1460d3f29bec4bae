"""A person cancels, holds or releases a job. Lifecycle decides; the page says what came of it."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from jobs import lifecycle
from jobs.models.roles import is_operator
from jobs.presentation.actions import may_release
from jobs.presentation.job import ShownJob
from jobs.states import Hold
from jobs.views.finding import find_changeable, person


@require_http_methods(["GET", "HEAD", "POST"])
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask first, on a page of its own: it needs no script. T5, T11."""
    job = find_changeable(request, pk)
    if request.method != "POST":
        return render(request, "jobs/cancel.html", {"shown": ShownJob(job, timezone.now())})
    if lifecycle.cancel(job, actor=person(request).get_username()):
        job.refresh_from_db()
        done = "cancelled" if job.is_final else "being stopped"
        messages.success(request, f"Job {pk} is {done}. Its output is kept.")
    else:
        messages.warning(request, f"Job {pk} had ended or was being stopped already.")
    return redirect(job)


@require_POST
def hold(request: HttpRequest, pk: int) -> HttpResponse:
    """Keep it from being placed: for its owner, or as an operator, whose hold only an operator lifts."""
    job = find_changeable(request, pk)
    by = Hold.USER if job.owner_id == person(request).pk else Hold.ADMIN
    if lifecycle.hold(job, by, actor=person(request).get_username()):
        messages.success(request, f"Job {pk} is held. It waits until it is released.")
    else:
        messages.warning(request, f"Job {pk} was held already, or waits no longer.")
    return redirect(job)


@require_POST
def release(request: HttpRequest, pk: int) -> HttpResponse:
    """Let it go."""
    job = find_changeable(request, pk)
    if not may_release(job, operates=is_operator(person(request))):
        raise PermissionDenied(f"An operator holds job {pk}; only an operator releases it.")
    if lifecycle.release(job, actor=person(request).get_username()):
        messages.success(request, f"Job {pk} is released.")
    else:
        messages.warning(request, f"Job {pk} was not held, or waits no longer.")
    return redirect(job)
