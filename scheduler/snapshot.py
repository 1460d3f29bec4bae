"""Reads what placement needs: the waiting jobs and what the nodes have left."""

from datetime import datetime
from itertools import groupby
from typing import Final

from django.conf import settings

from jobs.models import Job, Node, Partition
from jobs.models.job import Mark
from jobs.models.room import Room, read_rooms
from jobs.resources import Capacity
from jobs.states import Hold, Service
from scheduler.placement import Offer, Request

PASS_SIZE = 5000
"""How many waiting jobs are read at once; a pass looks at two such pages, so that it stays short however long
the queue is."""

WORDS: Final = {
    Service.DRAIN: "draining",
    Service.RECONCILING: "accounting for what ran there",
    Service.DOWN: "down",
}
"""What a node that is out of service is doing."""

READ = (
    "state", "phase", "attempt", "hold", "node_id", "cpus", "memory_mb", "gpus", "reason", "detail",
    "dispatch_seq", "priority", "partition__name", "partition__priority",
)  # fmt: skip
"""What placing needs of a job: a pass reads every waiting one, and a script may be long."""


def waiting_jobs(*, behind: Mark | None = None) -> list[Job]:
    """A page of those that nobody holds, in the order in which they are considered.

    Those of a paused partition are not among them: however many they are, they keep nobody from being read.
    """
    jobs = Job.objects.queued().filter(hold=Hold.NONE).exclude(partition__state=Partition.State.PAUSED)
    if behind is not None:
        jobs = jobs.behind(behind)
    return list(jobs.select_related("partition").only(*READ).by_priority()[:PASS_SIZE])


def paused_partitions() -> list[Partition]:
    """Those of which an operator wants no job started."""
    return list(Partition.objects.filter(state=Partition.State.PAUSED))


def request_of(job: Job) -> Request:
    """A job as placement sees it."""
    return Request(
        key=job.pk,
        asked=Capacity(cpus=job.cpus, memory_mb=job.memory_mb, gpus=job.gpus),
        partition=job.partition_id,
        partition_name=job.partition.name,
    )


def offers(moment: datetime) -> list[Offer]:
    """Every node with what it has left, those that take no job included, so that reasons can name them."""
    rooms = read_rooms(Node.objects.all(), moment, settings.BROKER_DEAF_AFTER)
    links = Partition.nodes.through.objects.order_by("node_id").values_list("node_id", "partition_id")
    members = {
        node: frozenset(p for _, p in pairs) for node, pairs in groupby(links, key=lambda link: link[0])
    }
    return [_offer(room, members.get(key, frozenset())) for key, room in rooms.items()]


def _offer(room: Room, partitions: frozenset[int]) -> Offer:
    node = room.node
    return Offer(
        key=node.pk,
        name=node.name,
        size=Capacity(cpus=node.cpus, memory_mb=node.memory_mb, gpus=node.gpus),
        cpus=room.cpus,
        memory_mb=room.memory_mb,
        gpus=sorted(room.gpus),
        partitions=partitions,
        closed=_why_closed(room),
        deaf=not room.hearing,
    )


def _why_closed(room: Room) -> str:
    if not room.in_service:
        return f"{room.node.name} is {WORDS[room.node.shown_service]}"
    return "" if room.reachable else f"{room.node.name} does not answer"
