"""Which scheduler leads, in which term, and until when."""

from django.contrib import admin

from jobs.admin.reading import ReadingAdmin
from scheduler.models import SchedulerLease


@admin.register(SchedulerLease)
class SchedulerLeaseAdmin(ReadingAdmin):
    """The one row."""

    list_display = ("holder", "term", "until")
