"""A new job from the form, and an ended job run again as it was."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from jobs import forms, submission
from jobs.errors import IdempotencyConflict, InvalidSpec
from jobs.models import Job
from jobs.models.roles import is_operator
from jobs.presentation.actions import may_rerun
from jobs.states import Source
from jobs.views.finding import find, person


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def new_job(request: HttpRequest) -> HttpResponse:
    """The form, empty or filled from an earlier job, and the job that it makes."""
    if request.method == "POST":
        return _submit(request)
    template = _template(request)
    rules, default = submission.partition_rules()
    if template is None:
        initial = forms.empty(next((rule for rule in rules if rule.name == default), None))
    else:
        asked = submission.request_of(template, person(request))
        initial = forms.filled_from(template, asked, shows_values=template.owner == person(request))
    form = forms.JobForm(initial=initial, rules=rules, default=default, operates=is_operator(person(request)))
    return _show(request, form, template=template)


def _template(request: HttpRequest) -> Job | None:
    number = request.GET.get("from", "")
    return (
        find(request, int(number)) if number.isascii() and number.isdecimal() and len(number) < 19 else None
    )


def _submit(request: HttpRequest) -> HttpResponse:
    user = person(request)
    rules, default = submission.partition_rules()
    form = forms.JobForm(request.POST, rules=rules, default=default, operates=is_operator(user))
    if not form.is_valid():
        return _show(request, form, status=400)
    try:
        job, _ = submission.submit(form.request, user, source=Source.WEB, key=form.key)
    except InvalidSpec as invalid:
        form.refuse(invalid.errors)
        return _show(request, form, status=400)
    except IdempotencyConflict:
        return _explain_conflict(request, form)
    return redirect(job)


def _explain_conflict(request: HttpRequest, form: forms.JobForm) -> HttpResponse:
    """This form has made a job before, from other words. With a new key it can make another."""
    first = Job.objects.filter(owner=person(request), idempotency_key=form.key).first()
    typed = request.POST.copy()
    typed["form_key"] = forms.new_key()
    form.data = typed
    return _show(request, form, status=409, first=first)


def _show(request: HttpRequest, form: forms.JobForm, *, status: int = 200, **more: object) -> HttpResponse:
    return render(request, "jobs/new.html", {"form": form, **more}, status=status)


@require_POST
def rerun(request: HttpRequest, pk: int) -> HttpResponse:
    """T22: the same request as a new job of the person who asks."""
    job = find(request, pk)
    if not may_rerun(job, person(request)):
        raise PermissionDenied(
            f"Job {pk} has variables whose values only {job.owner.get_username()} may see, and a rerun "
            "would take them along. Use it as a template instead."
        )
    try:
        key = request.POST.get("form_key") or None
        again = submission.rerun(job, person(request), source=Source.WEB, key=key)
    except (InvalidSpec, IdempotencyConflict) as invalid:
        messages.error(request, f"Job {pk} was not run again. {invalid}")
        return redirect(job)
    messages.success(request, f"This is job {again.pk}, a rerun of {pk}.")
    return redirect(again)
