"""Events: what happened to jobs and nodes, append-only."""

from django.contrib import admin

from jobs.admin.reading import ReadingAdmin, ReadingInline
from jobs.models import JobEvent, NodeEvent

JOB_COLUMNS = (
    "at",
    "actor",
    "kind",
    "from_state",
    "from_phase",
    "to_state",
    "to_phase",
    "attempt",
    "message",
)
NODE_COLUMNS = ("at", "actor", "kind", "message")


@admin.register(JobEvent)
class JobEventAdmin(ReadingAdmin):
    """Every event of every job, newest first."""

    list_display = ("id", "job_id", *JOB_COLUMNS)
    ordering = ("-pk",)
    search_fields = ("job__id",)
    search_help_text = "A job's number."
    number_field = "job_id"


class JobEventsInline(ReadingInline):
    """The events of a job, in their order."""

    model = JobEvent
    fields = JOB_COLUMNS
    readonly_fields = JOB_COLUMNS


@admin.register(NodeEvent)
class NodeEventAdmin(ReadingAdmin):
    """Every event of every node, newest first."""

    list_display = ("id", "node", *NODE_COLUMNS)
    list_filter = ("node",)
    list_select_related = ("node",)
    ordering = ("-pk",)


class NodeEventsInline(ReadingInline):
    """The events of a node, in their order."""

    model = NodeEvent
    fields = NODE_COLUMNS
    readonly_fields = NODE_COLUMNS
