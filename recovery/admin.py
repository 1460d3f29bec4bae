"""The ledger of recovery, and the two buttons: recover now, and only say what would be done."""

from typing import Any

from django.contrib import admin
from django.contrib import messages as answers
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.urls import URLPattern, path

from jobs import messages
from jobs.admin.reading import ReadingAdmin, ReadingInline
from jobs.admin.steering import may_steer, person
from jobs.models import Node
from jobs.models.clock import database_now
from recovery import alert
from recovery.models import RecoveryAction, RecoveryRun

ACTION_COLUMNS = ("strategy", "job_id", "attempt", "found", "action", "outcome", "detail")


class ActionsInline(ReadingInline):
    """What a sweep decided."""

    model = RecoveryAction
    fields = ACTION_COLUMNS
    readonly_fields = ACTION_COLUMNS
    show_change_link = False


@admin.register(RecoveryRun)
class RecoveryRunAdmin(ReadingAdmin):
    """Every sweep that found something or was asked for, newest first."""

    list_display = (
        "id", "started_at", "trigger", "node", "dry_run", "recovered", "skipped", "failed", "duration",
    )  # fmt: skip
    list_filter = ("trigger", "dry_run")
    inlines = (ActionsInline,)

    def get_urls(self) -> list[URLPattern]:
        """The two buttons' addresses before the list's own."""
        recover = path(
            "recover/", self.admin_site.admin_view(self.ask), {"dry_run": False}, "recovery_recover_now"
        )
        rehearse = path(
            "dry-run/", self.admin_site.admin_view(self.ask), {"dry_run": True}, "recovery_dry_run"
        )
        seen = path("seen/", self.admin_site.admin_view(self.see), name="recovery_seen")
        return [recover, rehearse, seen, *super().get_urls()]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The list, with the buttons for those who may use them."""
        return super().changelist_view(request, {**(extra_context or {}), "may_steer": may_steer(request)})

    def ask(self, request: HttpRequest, *, dry_run: bool) -> HttpResponse:
        """Ask every agent to sweep its node. The agents do it; the web only asks."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not may_steer(request):
            raise PermissionDenied("Only operators ask for recovery.")
        what = "dry run" if dry_run else "recover now"
        with transaction.atomic():
            messages.ask_recovery(dry_run=dry_run)
            _write_down(request, what, f"Asked every node: {what}.")
        _tell(request, what)
        return redirect("admin:recovery_recoveryrun_changelist")

    def see(self, request: HttpRequest) -> HttpResponse:
        """An operator knows of the alert: nobody is shown it any more."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not may_steer(request):
            raise PermissionDenied("Only operators say that an alert was seen.")
        if alert.see(by=person(request).get_username()):
            _write_down(request, "recovery alert", "Has seen it.")
        return redirect("admin:recovery_recoveryrun_changelist")


def _write_down(request: HttpRequest, what: str, sentence: str) -> None:
    """In the admin's history."""
    LogEntry.objects.create(
        user=person(request),
        content_type=ContentType.objects.get_for_model(RecoveryRun),
        object_repr=what,
        action_flag=CHANGE,
        change_message=sentence,
    )


def _tell(request: HttpRequest, what: str) -> None:
    live = Node.objects.reachable(database_now()).count()
    if live:
        nodes = "1 node was" if live == 1 else f"{live} nodes were"
        answers.success(
            request, f"{nodes} asked ({what}). Load this page again in a moment to see the sweeps."
        )
    else:
        answers.warning(
            request, "No node is live, so nobody heard it. A node sweeps by itself when it starts."
        )


@admin.register(RecoveryAction)
class RecoveryActionAdmin(ReadingAdmin):
    """Every decision of every sweep, newest first."""

    list_display = ("id", "run", *ACTION_COLUMNS)
    list_filter = ("strategy", "outcome", "dry_run")
    fields = ("run", *ACTION_COLUMNS, "evidence", "dry_run")
    list_select_related = ("run",)
    ordering = ("-pk",)
    search_fields = ("strategy",)
    search_help_text = "A job's number, or a strategy."
    number_field = "job_id"
