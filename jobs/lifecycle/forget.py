"""A job that ended long ago is forgotten: its row goes with its events and its allocations, its number never.

Nothing is forgotten that may still have to be settled or told of: what holds resources, and what a node has
run that is out of service, until that node has accounted for it (T21).
"""

from datetime import datetime

from django.db.models import Exists, OuterRef, Q

from jobs.contention import patiently
from jobs.models import AllocatedGpu, Forgotten, Job, JobEvent, ResourceAllocation
from jobs.models.job import JobQuerySet
from jobs.states import FINAL_STATES, Evidence, Phase, Service


@patiently
def forget(ended_before: datetime, *, at_most: int) -> int:
    """Forget jobs that ended before that, the oldest first, and answer how many. Locked ones are left."""
    due = _due(ended_before).order_by("ended_at", "pk").only("pk")
    found = due.select_for_update(skip_locked=True, of=("self",))[:at_most]
    numbers = [job.pk for job in found]
    if not numbers:
        return 0
    allocations = ResourceAllocation.objects.filter(job__in=numbers)
    AllocatedGpu.objects.filter(allocation__in=allocations.values("pk"))._raw_delete(allocations.db)
    for dependents in (allocations, JobEvent.objects.filter(job__in=numbers)):
        dependents._raw_delete(dependents.db)
    Job.objects.filter(pk__in=numbers)._raw_delete(allocations.db)
    Forgotten.objects.add_all(numbers)
    return len(numbers)


def _due(ended_before: datetime) -> JobQuerySet:
    of_the_job = ResourceAllocation.objects.filter(job=OuterRef("pk"))
    away = of_the_job.exclude(spool_id="").filter(node__service__in=[Service.DOWN, Service.RECONCILING])
    unaccounted = Exists(away.filter(Q(wrapper_pid=None) | ~Q(job__evidence=Evidence.SPOOL)))
    ended = Job.objects.filter(phase=Phase.DONE, state__in=FINAL_STATES, ended_at__lt=ended_before)
    return ended.exclude(Exists(of_the_job.unreleased())).exclude(unaccounted)
