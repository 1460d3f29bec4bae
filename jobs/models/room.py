"""How much of each node is free: read, never kept."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Sum

from jobs.models.allocation import AllocatedGpu, ResourceAllocation
from jobs.models.node import Node
from jobs.states import Service


@dataclass
class Room:
    """What of one node can still be given away, and whether it takes jobs at all."""

    node: Node
    cpus: int
    memory_mb: int
    gpus: set[int] = field(default_factory=set)
    in_service: bool = True
    reachable: bool = True
    hearing: bool = True

    @property
    def takes_jobs(self) -> bool:
        """In service, with a live lease, and within reach of the broker."""
        return self.in_service and self.reachable and self.hearing

    def take(self, cpus: int, memory_mb: int, gpus: Collection[int]) -> bool:
        """Give this much away. False: it is not there, and nothing is taken."""
        if cpus > self.cpus or memory_mb > self.memory_mb or not self.gpus.issuperset(gpus):
            return False
        self.cpus -= cpus
        self.memory_mb -= memory_mb
        self.gpus.difference_update(gpus)
        return True


def read_rooms(nodes: Iterable[Node], moment: datetime, deaf_after: timedelta) -> dict[int, Room]:
    """The room of each node, by its key.

    A placer calls it in statements of its own after the one that locked the rows: a statement that locks and
    sums at once has a snapshot older than its lock, and over-commits.
    """
    by_key = {node.pk: node for node in nodes}
    leases = {
        key: (until, heard_at)
        for key, until, heard_at in Node.objects.filter(pk__in=by_key)
        .order_by()
        .values_list("pk", "lease__lease_until", "lease__broker_ok_at")
    }
    rooms = {
        key: Room(
            node=node,
            cpus=node.cpus,
            memory_mb=node.memory_mb,
            gpus=set(range(node.gpus)),
            in_service=node.shown_service is Service.UP,
            reachable=_after(leases[key][0], moment),
            hearing=_after(leases[key][1], moment - deaf_after),
        )
        for key, node in by_key.items()
    }
    taken = ResourceAllocation.objects.unreleased().filter(node__in=by_key).values("node")
    for row in taken.annotate(cpus_taken=Sum("cpus"), memory_taken=Sum("memory_mb")).order_by():
        rooms[row["node"]].cpus -= row["cpus_taken"]
        rooms[row["node"]].memory_mb -= row["memory_taken"]
    for held in AllocatedGpu.objects.filter(node__in=by_key, released=False):
        rooms[held.node_id].gpus.discard(held.index)
    return rooms


def _after(moment: datetime | None, other: datetime) -> bool:
    """It is known, and later than the other."""
    return moment is not None and moment > other
