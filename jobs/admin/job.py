"""Jobs: to look at, to cancel, to hold and to release. Their state is nobody's to edit."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from jobs import lifecycle
from jobs.admin.allocation import AllocationsInline
from jobs.admin.event import JobEventsInline
from jobs.admin.reading import ReadingAdmin
from jobs.admin.steering import may_steer, person, steer_each
from jobs.models import Job
from jobs.states import Hold

LARGE_COLUMNS = ("script", "arguments", "environment")


@admin.register(Job)
class JobAdmin(ReadingAdmin):
    """Every job, newest first."""

    list_display = (
        "id", "name", "owner", "state", "phase", "reason", "hold", "partition", "node", "cpus", "memory_mb",
        "gpus", "attempt", "submitted_at", "ended_at",
    )  # fmt: skip
    list_filter = ("state", "phase", "hold", "partition")
    list_select_related = ("owner", "partition", "node")
    search_fields = ("=owner__username",)
    search_help_text = "A job's number, or the user name of an owner."
    actions = ("cancel", "hold", "release")
    inlines = (AllocationsInline, JobEventsInline)
    exclude = ("environment",)
    readonly_fields = ("environment_names",)

    def has_steer_permission(self, request: HttpRequest) -> bool:
        """Only operators use the actions."""
        return may_steer(request)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Job]:
        """A list never loads the scripts: a hundred of them may be 100 MB."""
        jobs: QuerySet[Job] = super().get_queryset(request)
        match = request.resolver_match
        on_page = match is not None and match.url_name == "jobs_job_change"
        return jobs.select_related("owner", "partition", "node") if on_page else jobs.defer(*LARGE_COLUMNS)

    @admin.display(description="environment")
    def environment_names(self, job: Job) -> str:
        """The names alone: values may be secrets of the owner's."""
        return ", ".join(sorted(job.environment)) or "none"

    @admin.action(description="Cancel the chosen jobs", permissions=["steer"])
    def cancel(self, request: HttpRequest, chosen: QuerySet[Job]) -> None:
        """T5, T11."""
        actor = person(request).get_username()
        steer_each(
            request,
            chosen,
            lambda job: lifecycle.cancel(job, actor=actor),
            done="cancelled, or being stopped",
            otherwise="had ended or were being stopped already",
        )

    @admin.action(description="Hold the chosen jobs", permissions=["steer"])
    def hold(self, request: HttpRequest, chosen: QuerySet[Job]) -> None:
        """An operator's hold, which their owners cannot lift."""
        actor = person(request).get_username()
        steer_each(
            request,
            chosen,
            lambda job: lifecycle.hold(job, Hold.ADMIN, actor=actor),
            done="held",
            otherwise="were held already, or wait no longer",
        )

    @admin.action(description="Release the chosen jobs", permissions=["steer"])
    def release(self, request: HttpRequest, chosen: QuerySet[Job]) -> None:
        """Lift any hold."""
        actor = person(request).get_username()
        steer_each(
            request,
            chosen,
            lambda job: lifecycle.release(job, actor=actor),
            done="released",
            otherwise="were not held, or wait no longer",
        )
