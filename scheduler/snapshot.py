"""Reads what placement needs: the waiting jobs and what the nodes have left."""

from datetime import datetime
from itertools import groupby

from django.conf import settings

from jobs.models import Job, Node, Partition
from jobs.models.room import Room, read_rooms
from jobs.resources import Capacity
from jobs.states import Hold
from scheduler.placement import Offer, Request

PASS_SIZE = 5000
"""How many waiting jobs one pass looks at, so that a pass stays short however long the queue is."""

READ = (
    "state", "phase", "attempt", "hold", "node_id", "cpus", "memory_mb", "gpus", "reason", "detail",
    "dispatch_seq", "partition__name", "partition__state",
)  # fmt: skip
"""What placing needs of a job: a pass reads every waiting one, and a script may be long."""


def waiting_jobs() -> list[Job]:
    """Those that nobody holds, in the order in which they are considered."""
    jobs = Job.objects.queued().filter(hold=Hold.NONE).select_related("partition")
    return list(jobs.only(*READ).by_priority()[:PASS_SIZE])


def request_of(job: Job) -> Request:
    """A job as placement sees it."""
    return Request(
        key=job.pk,
        asked=Capacity(cpus=job.cpus, memory_mb=job.memory_mb, gpus=job.gpus),
        partition=job.partition_id,
        partition_name=job.partition.name,
        paused=job.partition.state == Partition.State.PAUSED,
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
        return f"{room.node.name} is {room.node.shown_service.lower()}"
    return "" if room.reachable else f"{room.node.name} does not answer"
