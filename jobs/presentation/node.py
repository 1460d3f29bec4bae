"""Nodes as they are listed: the worse of two words, why, and what is given away. Counts and amounts only."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.conf import settings
from django.db.models import Count, QuerySet

from jobs.models import Node, ResourceAllocation
from jobs.models.room import Room, read_rooms
from jobs.states import Service

LOST_IF_SILENT: Final = (
    "As long as its agent answers, what runs goes on and its end is recorded; once it is silent, each job is "
    "declared lost, or queued again where it may run again."
)


@dataclass(frozen=True)
class ShownNode:
    """A node at one moment."""

    node: Node
    room: Room
    jobs: int
    """How many jobs hold something of it."""

    @property
    def service(self) -> Service:
        """The worse of its own word and the operators'."""
        return self.node.shown_service

    @property
    def reachable(self) -> bool:
        """Its agent has been heard in time."""
        return self.room.reachable

    @property
    def heard_at(self) -> datetime | None:
        """When its agent renewed its lease for the last time. None: it never had one."""
        lease = getattr(self.node, "lease", None)
        return lease.lease_until - settings.NODE_LEASE if lease else None

    @property
    def reason(self) -> str:
        """Why it takes no jobs, by whose word. Empty: it takes some, as far as that goes."""
        words = (
            (self.node.service, self.node.service_reason, self.node.service_by),
            (self.node.wanted, self.node.wanted_reason, self.node.wanted_by),
        )
        told = [f"{reason} ({by})" for word, reason, by in words if word != Service.UP]
        if not self.reachable:
            told.insert(0, "its agent is silent")
        elif not self.room.hearing:
            told.insert(0, "its agent does not reach the broker")
        return "; ".join(told)

    @property
    def cpus_taken(self) -> int:
        """Given to jobs."""
        return self.node.cpus - self.room.cpus

    @property
    def memory_taken_mb(self) -> int:
        """Given to jobs."""
        return self.node.memory_mb - self.room.memory_mb

    @property
    def gpus_taken(self) -> int:
        """Given to jobs."""
        return self.node.gpus - len(self.room.gpus)

    @property
    def partitions(self) -> list[str]:
        """The names of those that it belongs to."""
        return sorted(partition.name for partition in self.node.partitions.all())

    @property
    def outlook(self) -> str:
        """What becomes of its jobs now, for the operator who has just steered it."""
        name, one = self.node.name, self.jobs == 1
        there = f"{self.jobs} {'job is' if one else 'jobs are'} there"
        match self.service:
            case Service.UP if self.reachable:
                return f"{name} takes jobs."
            case Service.UP:
                return f"{name} takes jobs as soon as its agent is heard."
            case Service.DOWN if self.node.wanted == Service.DOWN:
                return f"{name} takes no jobs; {there}. {LOST_IF_SILENT}"
        go_on = "goes on to its end" if one else "go on to their ends"
        return f"{name} takes no new jobs; {there}, and {go_on}."


def shown(nodes: QuerySet[Node], moment: datetime) -> list[ShownNode]:
    """These nodes, read in a few statements however many there are."""
    found = list(nodes.select_related("lease").prefetch_related("partitions"))
    rooms = read_rooms(found, moment, settings.BROKER_DEAF_AFTER)
    held = ResourceAllocation.objects.unreleased().order_by().values("node").annotate(jobs=Count("pk"))
    jobs = {row["node"]: row["jobs"] for row in held}
    return [ShownNode(node, rooms[node.pk], jobs.get(node.pk, 0)) for node in found]
