"""A node and its lease.

The lease is a table of its own, so that a heartbeat never waits for a placer that holds the node's row.
A node whose lease is over is unreachable: a fact of the lease, never a phase of its jobs.
"""

from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import Q

from jobs.states import Service


class NodeQuerySet(models.QuerySet["Node"]):
    """Adjectives of nodes."""

    def locked(self) -> Self:
        """In key order, locked against other placers, but not against those who only refer to the row."""
        return self.order_by("pk").select_for_update(no_key=True)

    def unlocked(self) -> Self:
        """Locked as above, but for those that somebody else has locked: nobody waits for them here."""
        return self.order_by("pk").select_for_update(skip_locked=True, no_key=True)

    def reachable(self, moment: datetime) -> Self:
        """The lease still holds at `moment`."""
        return self.filter(lease__lease_until__gt=moment)


class Node(models.Model):
    """A machine that runs jobs. It shows the worse of `service` (its own) and `wanted` (an operator's)."""

    name = models.CharField(max_length=64, unique=True)
    cpus = models.PositiveIntegerField()
    memory_mb = models.PositiveIntegerField()
    gpus = models.PositiveIntegerField(default=0)
    service = models.CharField(max_length=16, choices=[(s, s.lower()) for s in Service], default=Service.UP)
    service_reason = models.CharField(max_length=200, blank=True)
    service_by = models.CharField(max_length=150, blank=True)
    enforcement = models.JSONField(
        default=dict, blank=True, help_text="How each limit holds here, as its agent has tried it out."
    )
    wanted = models.CharField(
        max_length=16,
        choices=[(s, s.lower()) for s in (Service.UP, Service.DRAIN, Service.DOWN)],
        default=Service.UP,
    )
    wanted_reason = models.CharField(max_length=200, blank=True)
    wanted_by = models.CharField(max_length=150, blank=True)

    objects = NodeQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(condition=Q(cpus__gte=1), name="node_has_a_cpu"),
            models.CheckConstraint(condition=Q(service__in=list(Service)), name="node_service_known"),
            models.CheckConstraint(
                condition=Q(wanted__in=[Service.UP, Service.DRAIN, Service.DOWN]), name="node_wanted_known"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def shown_service(self) -> Service:
        """The worse of the node's own word and the operator's."""
        return max(Service(self.service), Service(self.wanted), key=list(Service).index)


class NodeLease(models.Model):
    """Who speaks for a node, and until when. Renewed by its agent by the database's clock."""

    node = models.OneToOneField(Node, on_delete=models.CASCADE, related_name="lease", primary_key=True)
    incarnation = models.PositiveIntegerField(default=0)
    boot_id = models.CharField(max_length=64)
    spool_id = models.CharField(max_length=64)
    lease_until = models.DateTimeField()
    broker_ok_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"lease of {self.node_id}"
