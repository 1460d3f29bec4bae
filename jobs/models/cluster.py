"""All nodes together, in one query: what they have, what is given away, and how many take jobs."""

from dataclasses import dataclass
from datetime import datetime
from typing import Self

from django.db.models import Count, IntegerField, OuterRef, Q, Subquery, Sum
from django.db.models.functions import Coalesce

from jobs.models.allocation import AllocatedGpu, ResourceAllocation
from jobs.models.node import Node
from jobs.resources import Capacity, format_memory
from jobs.states import Service


@dataclass(frozen=True)
class Cluster:
    """Amounts only: they say nothing about whose jobs they are."""

    given: Capacity
    total: Capacity
    nodes: int
    nodes_up: int

    @property
    def given_memory(self) -> str:
        """For a person."""
        return format_memory(self.given.memory_mb)

    @property
    def total_memory(self) -> str:
        """For a person."""
        return format_memory(self.total.memory_mb)

    @classmethod
    def read(cls, moment: datetime) -> Self:
        """As it is at `moment`. A node that is not up still counts with all that it has."""
        up = Q(service=Service.UP, wanted=Service.UP, lease__lease_until__gt=moment)
        given = Node.objects.annotate(
            cpus_given=_given("cpus"), memory_given=_given("memory_mb"), gpus_given=_gpus_given()
        )
        sums = given.aggregate(
            **{name: Coalesce(Sum(name), 0) for name in ("cpus", "memory_mb", "gpus")},
            **{name: Coalesce(Sum(name), 0) for name in ("cpus_given", "memory_given", "gpus_given")},
            nodes=Count("pk"),
            nodes_up=Count("pk", filter=up),
        )
        return cls(
            given=Capacity(sums["cpus_given"], sums["memory_given"], sums["gpus_given"]),
            total=Capacity(sums["cpus"], sums["memory_mb"], sums["gpus"]),
            nodes=sums["nodes"],
            nodes_up=sums["nodes_up"],
        )


def _given(column: str) -> Coalesce:
    unreleased = ResourceAllocation.objects.unreleased().filter(node=OuterRef("pk")).order_by()
    total = unreleased.values("node").annotate(total=Sum(column)).values("total")
    return Coalesce(Subquery(total), 0, output_field=IntegerField())


def _gpus_given() -> Coalesce:
    held = AllocatedGpu.objects.filter(node=OuterRef("pk"), released=False).order_by()
    return Coalesce(Subquery(held.values("node").annotate(total=Count("pk")).values("total")), 0)
