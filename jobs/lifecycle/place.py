"""T2 to T4b: a job gets its resources, its node is told, and gives them back when it cannot start there."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from django.conf import settings
from django.db import transaction
from django.db.models import F

from jobs import messages, states
from jobs.contention import patiently
from jobs.faults import faultpoint
from jobs.lifecycle.journal import change, free, record
from jobs.models import AllocatedGpu, Job, Node, ResourceAllocation
from jobs.models.clock import ClockTimestamp, not_before
from jobs.models.job import JobQuerySet
from jobs.models.room import read_rooms
from jobs.states import EventKind, Hold, Reason

SCHEDULER = "scheduler"
HELD_REASONS = {Hold.USER: Reason.JOB_HELD_USER, Hold.ADMIN: Reason.JOB_HELD_ADMIN}
PLACED_ON = "Given its place on {}; the node is about to start it."
WAITING_AGAIN: Mapping[str, Any] = {
    "node": None,
    "placed_at": None,
    "dispatched_at": None,
    "started_at": None,
    "limit_at": None,
}


class Placing(NamedTuple):
    """A job as the scheduler saw it, and what it is to get."""

    job: Job
    node_id: int
    gpus: tuple[int, ...]


def place(placings: Iterable[Placing], moment: datetime) -> list[Job]:
    """T2, inside the leader's transaction. Answer the jobs that got their resources.

    The nodes are locked first and their room is read in later statements, so two placers never give the same
    resources away, whatever each of them believed. A job or a node that somebody has locked is left for the
    next pass.
    """
    wanted = list(placings)
    nodes = list(Node.objects.filter(pk__in={placing.node_id for placing in wanted}).unlocked())
    faultpoint("alloc.after_lock")
    rooms = read_rooms(nodes, moment, settings.BROKER_DEAF_AFTER)
    here = [placing for placing in wanted if placing.node_id in rooms]
    free = set(Job.objects.filter(pk__in=[placing.job.pk for placing in here]).unlocked())
    placed = []
    for job, node_id, gpus in here:
        room = rooms[node_id]
        if not room.takes_jobs or job not in free:
            continue
        if not room.take(job.cpus, job.memory_mb, gpus):
            continue
        if _place_one(job, room.node, gpus):
            placed.append(job)
    faultpoint("alloc.before_commit")
    return placed


def _place_one(job: Job, node: Node, gpus: tuple[int, ...]) -> bool:
    seen, job.attempt = job.attempt, job.attempt + 1
    won = Job.objects.filter(
        pk=job.pk, state=job.state, phase=states.QUEUED.phase, attempt=seen, hold=Hold.NONE
    ).update(
        phase=states.PLACED.phase,
        attempt=job.attempt,
        node=node,
        placed_at=not_before("submitted_at"),
        dispatched_at=None,
        reason=Reason.NONE,
        detail=PLACED_ON.format(node.name),
    )
    if won != 1:
        job.attempt = seen
        return False
    allocation = ResourceAllocation.objects.create(
        job=job,
        attempt=job.attempt,
        node=node,
        cpus=job.cpus,
        memory_mb=job.memory_mb,
        gpus=list(gpus),
        allocated_at=ClockTimestamp(),
    )
    AllocatedGpu.objects.bulk_create(AllocatedGpu(allocation=allocation, node=node, index=i) for i in gpus)
    job.node = node
    resources = {"cpus": job.cpus, "memory_mb": job.memory_mb, "gpus": list(gpus), "node": node.name}
    resources |= {"node_cpus": node.cpus, "node_memory_mb": node.memory_mb}
    message = f"placed on {node.name}"
    record(job, EventKind.PLACED, SCHEDULER, states.PLACED, message, facts=resources, before=states.QUEUED)
    job.state, job.phase = states.PLACED
    return True


def dispatch(job: Job, *, actor: str = SCHEDULER) -> bool:
    """T3 and T4. Send the job's message, once for each number won.

    False: somebody else has sent it since, it is placed no longer, or somebody has it locked. Raises
    BrokerUnreachableError when the broker does not answer, and the job says so; recovery sends it again after
    the grace.
    """
    if job.node is None:  # it was placed nowhere when it was read
        return False
    faultpoint("publish.before")
    placed = _unlocked([job]).filter(attempt=job.attempt, dispatch_seq=job.dispatch_seq)
    with transaction.atomic():
        sent = {"dispatch_seq": F("dispatch_seq") + 1, "dispatched_at": not_before("placed_at")}
        if placed.update(**sent, reason=Reason.NONE, detail=PLACED_ON.format(job.node.name)) != 1:
            return False
        again = " again" if job.dispatch_seq and actor != SCHEDULER else ""
        record(job, EventKind.DISPATCHED, actor, states.PLACED, f"told {job.node.name}{again}")
    faultpoint("publish.after_cas")
    try:
        messages.publish(job.pk, job.attempt, job.node.name)
        faultpoint("publish.after_send")
    except messages.BrokerUnreachableError:
        await_broker([job])
        raise
    return True


@transaction.atomic
def await_broker(jobs: Iterable[Job]) -> int:
    """Say of placed jobs that their message waits for the broker. Answer of how many: not of locked ones."""
    detail = "The queue waits for its broker: it has its place, and its node is told when the broker answers."
    return _unlocked(jobs).update(reason=Reason.BROKER_DOWN, detail=detail)


def _unlocked(jobs: Iterable[Job]) -> JobQuerySet:
    """Those of them that are placed and that nobody has locked."""
    free = Job.objects.filter(pk__in=[job.pk for job in jobs]).unlocked()
    return Job.objects.placed().filter(pk__in=free.values("pk"))


def return_to_queue(job: Job, why: str, *, actor: str, held: Hold = Hold.NONE) -> bool:
    """T4b: a placed job that its node cannot start, or that a person holds, waits in the queue again."""
    return job.step == states.PLACED and give_back(job, why, actor=actor, held=held)


@patiently
def give_back(job: Job, why: str, *, actor: str, held: Hold = Hold.NONE) -> bool:
    """Back to the queue from wherever its attempt was, which counts as one that never ran."""
    reason = HELD_REASONS[held] if held else Reason.NOT_CONSIDERED_YET
    changes = {**WAITING_AGAIN, "hold": held, "reason": reason, "detail": f"Back in the queue: {why}."}
    moved = change(
        job, states.QUEUED, EventKind.RETURNED, actor, why, unstarted=F("unstarted") + 1, **changes
    )
    if moved:
        free(job.pk, attempt=job.attempt)
        messages.wake_scheduler()
        faultpoint("return.before_commit")
    return moved
