"""Nodes with their leases: to look at, to drain and to resume."""

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ActionForm
from django.db.models import Case, QuerySet, When
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import mark_safe

from jobs import fleet
from jobs.admin.event import NodeEventsInline
from jobs.admin.reading import ReadingAdmin, ReadingInline
from jobs.admin.steering import may_steer, person, steer_each
from jobs.errors import InvalidSpec
from jobs.models import Node, NodeLease
from jobs.models.clock import ClockTimestamp
from jobs.presentation.containment import shown
from jobs.states import Service

LEASE_COLUMNS = ("incarnation", "boot_id", "spool_id", "lease_until", "broker_ok_at")


class ReasonForm(ActionForm):
    """Why, next to what."""

    reason = forms.CharField(
        max_length=200,
        required=False,
        widget=forms.TextInput(attrs={"placeholder": "Reason (to drain or down)"}),
    )


class LeaseInline(ReadingInline):
    """The lease of a node."""

    model = NodeLease
    fields = LEASE_COLUMNS
    readonly_fields = LEASE_COLUMNS
    show_change_link = False


@admin.register(Node)
class NodeAdmin(ReadingAdmin):
    """Every node."""

    list_display = (
        "name", "shown_service", "reachable", "wanted", "wanted_reason", "wanted_by", "service_reason",
        "cpus", "memory_mb", "gpus", "lease_until",
    )  # fmt: skip
    list_filter = ("service", "wanted", "partitions")
    list_select_related = ("lease",)
    search_fields = ("name",)
    inlines = (LeaseInline, NodeEventsInline)
    exclude = ("enforcement",)
    readonly_fields = ("containment",)
    actions = ("drain", "down", "resume")
    action_form = ReasonForm

    def has_steer_permission(self, request: HttpRequest) -> bool:
        """Only operators use the actions."""
        return may_steer(request)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Node]:
        """With whether the lease still holds, by the database's clock."""
        nodes: QuerySet[Node] = super().get_queryset(request)
        return nodes.annotate(
            has_lease=Case(When(lease__lease_until__gt=ClockTimestamp(), then=True), default=False)
        )

    @admin.display(description="reachable", boolean=True)
    def reachable(self, node: Node) -> bool:
        """Its lease still holds."""
        return bool(getattr(node, "has_lease", False))

    @admin.display(description="service")
    def shown_service(self, node: Node) -> str:
        """The worse of the node's own word and the operator's."""
        return node.shown_service

    @admin.display(description="how limits hold here")
    def containment(self, node: Node) -> str:
        """Each limit, by which means it holds, and what that comes to, as the agent tried it out."""
        holds = shown(node.enforcement)
        return format_html_join(mark_safe("<br>"), "{}", ((hold,) for hold in holds)) or "not told yet"

    @admin.display(description="lease until")
    def lease_until(self, node: Node) -> str:
        """Until when its agent speaks for it."""
        lease = getattr(node, "lease", None)
        return f"{lease.lease_until:%Y-%m-%d %H:%M:%S} UTC" if lease else "never had one"

    @admin.action(description="Drain the chosen nodes", permissions=["steer"])
    def drain(self, request: HttpRequest, chosen: QuerySet[Node]) -> None:
        """No new jobs; those that run go on."""
        self._ask_for(request, chosen, Service.DRAIN, "draining: they finish what runs there")

    @admin.action(description="Take the chosen nodes down", permissions=["steer"])
    def down(self, request: HttpRequest, chosen: QuerySet[Node]) -> None:
        """No new jobs; those there are declared lost as soon as the node is silent."""
        self._ask_for(request, chosen, Service.DOWN, "down: what runs there is lost once they are silent")

    @admin.action(description="Resume the chosen nodes", permissions=["steer"])
    def resume(self, request: HttpRequest, chosen: QuerySet[Node]) -> None:
        """Take jobs again, as far as the operators are concerned."""
        self._ask_for(request, chosen, Service.UP, "resumed")

    def _ask_for(self, request: HttpRequest, chosen: QuerySet[Node], service: Service, done: str) -> None:
        try:
            reason = fleet.read_reason(request.POST.get("reason", ""), needed=service is not Service.UP)
        except InvalidSpec as odd:
            told = " ".join(odd.errors["reason"])
            messages.error(request, f"Nothing was done. The reason, beside the action: {told}")
            return
        actor = person(request).get_username()
        steer_each(
            request,
            chosen,
            lambda node: fleet.ask_for(node, service, reason, actor=actor),
            done=done,
            otherwise=f"were wanted {service} already",
        )
