"""Allocations: what is taken, of which node, by which attempt."""

from django.contrib import admin

from jobs.admin.reading import ReadingAdmin, ReadingInline
from jobs.models import ResourceAllocation

COLUMNS = (
    "attempt",
    "node",
    "cpus",
    "memory_mb",
    "gpus",
    "status",
    "allocated_at",
    "started_at",
    "released_at",
)


@admin.register(ResourceAllocation)
class ResourceAllocationAdmin(ReadingAdmin):
    """Every allocation, newest first."""

    list_display = ("id", "job_id", *COLUMNS)
    list_filter = ("status", "node")
    list_select_related = ("node",)
    ordering = ("-pk",)
    search_fields = ("boot_id",)
    search_help_text = "A job's number."
    number_field = "job_id"


class AllocationsInline(ReadingInline):
    """The allocations of a job."""

    model = ResourceAllocation
    fields = COLUMNS
    readonly_fields = COLUMNS
