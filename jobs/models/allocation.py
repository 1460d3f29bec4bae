"""What a job holds of a node.

Capacity is the sum over unreleased allocations, never a counter, so nothing can drift. An allocation is one
(job, attempt); the database allows one unreleased allocation per job and one unreleased holder per GPU.
"""

from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import Q

from jobs.states import FINAL_STATES, AllocationStatus


class ResourceAllocationQuerySet(models.QuerySet["ResourceAllocation"]):
    """Adjectives of allocations."""

    def unreleased(self) -> Self:
        """Their resources are taken."""
        return self.exclude(status=AllocationStatus.RELEASED)

    def released(self) -> Self:
        """Their resources are free again."""
        return self.filter(status=AllocationStatus.RELEASED)

    def on(self, node_id: int) -> Self:
        """Those of one node."""
        return self.filter(node_id=node_id)

    def without_ticket(self, node_name: str, spool_id: str) -> Self:
        """Claimed by this node with this spool, and nobody has recorded a ticket of theirs."""
        return self.filter(node__name=node_name, spool_id=spool_id, wrapper_pid=None)

    def stale(self, ended_before: datetime) -> Self:
        """Unreleased, though the job has ended or is at another attempt."""
        ended = Q(job__state__in=FINAL_STATES, job__ended_at__lt=ended_before)
        overtaken = ~Q(job__attempt=models.F("attempt"))
        returned = Q(job__node=None) & ~Q(job__state__in=FINAL_STATES)
        return self.unreleased().filter(ended | overtaken | returned)

    def leaking(self, released_before: datetime) -> Self:
        """Released, and one of their GPUs is not."""
        held = AllocatedGpu.objects.filter(released=False, allocation__status=AllocationStatus.RELEASED)
        return self.filter(pk__in=held.values("allocation"), released_at__lt=released_before)


class ResourceAllocation(models.Model):
    """Resources of one node for one attempt of one job: reserved, allocated, released."""

    job = models.ForeignKey("jobs.Job", on_delete=models.PROTECT, related_name="allocations")
    attempt = models.PositiveIntegerField()
    node = models.ForeignKey("jobs.Node", on_delete=models.PROTECT, related_name="allocations")
    cpus = models.PositiveIntegerField()
    memory_mb = models.PositiveIntegerField()
    gpus = models.JSONField(default=list, help_text="Indices on the node.")
    cpu_indices = models.JSONField(default=list, help_text="CPUs of the node it is bound to; empty: to none.")
    enforcement = models.JSONField(default=dict, help_text="How each limit held on the node when it started.")
    usage = models.JSONField(default=list, help_text="Points of [seconds, CPUs, MiB], at most 300.")
    status = models.CharField(
        max_length=12,
        choices=[(s, s.lower()) for s in AllocationStatus],
        default=AllocationStatus.RESERVED,
    )
    boot_id = models.CharField(max_length=64, blank=True)
    spool_id = models.CharField(max_length=64, blank=True)
    pid = models.PositiveBigIntegerField(null=True)
    start_ticks = models.PositiveBigIntegerField(null=True)
    wrapper_pid = models.PositiveBigIntegerField(null=True)
    wrapper_ticks = models.PositiveBigIntegerField(null=True)
    allocated_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    released_at = models.DateTimeField(null=True)

    objects = ResourceAllocationQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["job", "attempt"], name="one_allocation_per_attempt"),
            models.UniqueConstraint(
                fields=["job"],
                condition=~Q(status=AllocationStatus.RELEASED),
                name="one_unreleased_allocation_per_job",
            ),
            models.CheckConstraint(
                condition=Q(status=AllocationStatus.RELEASED, released_at__isnull=False)
                | Q(
                    status__in=[AllocationStatus.RESERVED, AllocationStatus.ALLOCATED],
                    released_at__isnull=True,
                ),
                name="released_has_its_time",
            ),
        ]
        indexes = [
            models.Index(
                fields=["node"], condition=~Q(status=AllocationStatus.RELEASED), name="unreleased_by_node"
            ),
        ]

    def __str__(self) -> str:
        return f"job {self.job_id} attempt {self.attempt} on {self.node_id}"

    @property
    def has_identity(self) -> bool:
        """The ticket's process identities are in the row."""
        return self.wrapper_pid is not None


class AllocatedGpu(models.Model):
    """One GPU of a node in the hands of one allocation."""

    allocation = models.ForeignKey(ResourceAllocation, on_delete=models.CASCADE, related_name="held_gpus")
    node = models.ForeignKey("jobs.Node", on_delete=models.PROTECT, related_name="+")
    index = models.PositiveIntegerField()
    released = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["node", "index"], condition=Q(released=False), name="one_holder_per_gpu"
            ),
        ]

    def __str__(self) -> str:
        return f"GPU {self.index} of node {self.node_id}"
