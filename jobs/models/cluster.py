"""All nodes together, in one query: what they have, what is given away, and how many take jobs."""

from dataclasses import dataclass
from typing import Self

from django.db.models import BooleanField, Count, ExpressionWrapper, IntegerField, OuterRef, Q, Subquery, Sum
from django.db.models.functions import Coalesce

from jobs.models.allocation import AllocatedGpu, ResourceAllocation
from jobs.models.clock import ClockTimestamp
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
    def read(cls) -> Self:
        """As it is now, by the database's clock. A node that is not up still counts with all that it has."""
        up = Q(service=Service.UP, wanted=Service.UP, lease__lease_until__gt=ClockTimestamp())
        rows = Node.objects.annotate(
            up=ExpressionWrapper(up, output_field=BooleanField()),
            cpus_given=_given("cpus"),
            memory_given=_given("memory_mb"),
            gpus_given=_gpus_given(),
        ).values_list("cpus_given", "memory_given", "gpus_given", "cpus", "memory_mb", "gpus", "up")
        columns = [sum(filter(None, column)) for column in zip(*rows, strict=True)] or [0] * 7
        return cls(
            given=Capacity(*columns[:3]), total=Capacity(*columns[3:6]), nodes=len(rows), nodes_up=columns[6]
        )


def _given(column: str) -> Coalesce:
    unreleased = ResourceAllocation.objects.unreleased().filter(node=OuterRef("pk")).order_by()
    total = unreleased.values("node").annotate(total=Sum(column)).values("total")
    return Coalesce(Subquery(total), 0, output_field=IntegerField())


def _gpus_given() -> Coalesce:
    held = AllocatedGpu.objects.filter(node=OuterRef("pk"), released=False).order_by()
    return Coalesce(Subquery(held.values("node").annotate(total=Count("pk")).values("total")), 0)
