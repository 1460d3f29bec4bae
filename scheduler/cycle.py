"""One pass: take back what cannot start, place what can, tell the nodes, and say why the rest waits."""

import logging
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import OperationalError, transaction

from jobs import lifecycle
from jobs.contention import is_lost_to_a_lock
from jobs.faults import faultpoint
from jobs.messages import BrokerUnreachableError
from jobs.models import Job
from jobs.models.clock import database_now
from jobs.models.room import read_rooms
from jobs.states import Reason
from scheduler import snapshot
from scheduler.leader import Leader
from scheduler.placement import Wait, place

logger = logging.getLogger(__name__)

SCHEDULER = "scheduler"
PAUSED = "An operator paused partition {}."


@dataclass
class Report:
    """What one pass did."""

    returned: int = 0
    placed: int = 0
    waiting: int = 0
    broker_down: bool = False


def run_pass(leader: Leader) -> Report:
    """One pass of the leader. Raises DeposedError when it leads no longer, with nothing placed."""
    moment = database_now()
    report = Report(returned=_take_back(moment))
    _explain_paused()
    jobs = {job.pk: job for job in _considered(leader)}
    if not jobs:
        return report
    plan = place(map(snapshot.request_of, jobs.values()), snapshot.offers(moment))
    wanted = [lifecycle.Placing(jobs[at.job], at.node, at.gpus) for at in plan.places]
    placed = []
    if wanted:
        with leader.leading():
            placed = lifecycle.place(wanted, moment)
        faultpoint("alloc.after_commit")
    report.placed, report.waiting = len(placed), len(jobs) - len(placed)
    report.broker_down = not _tell(placed)
    _explain(jobs, plan.waits)
    return report


def _considered(leader: Leader) -> list[Job]:
    """The head of the queue, and behind it as many again from where the last pass stopped.

    So those that cannot start, however many they are, keep nobody behind them from being looked at for long.
    """
    head = snapshot.waiting_jobs()
    if len(head) < snapshot.PASS_SIZE:
        leader.mark = None
        return head
    behind = max(leader.mark or head[-1].mark, head[-1].mark)
    more = snapshot.waiting_jobs(behind=behind)
    leader.mark = more[-1].mark if len(more) == snapshot.PASS_SIZE else None
    return head + more


def _explain_paused() -> None:
    for partition in snapshot.paused_partitions():
        lifecycle.explain_partition(partition, Reason.PARTITION_DOWN, PAUSED.format(partition.name))


def _take_back(moment: datetime) -> int:
    """T4b: a placed job whose node is over, deaf, drained or down waits in the queue again.

    Of such a node somebody may have died with a job's row locked: that job waits, and nobody for it.
    """
    placed = list(
        Job.objects.placed().select_related("node", "partition").order_by("pk")[: snapshot.PASS_SIZE]
    )
    nodes = {job.node.pk: job.node for job in placed if job.node is not None}
    rooms = read_rooms(nodes.values(), moment, settings.BROKER_DEAF_AFTER)
    returned = 0
    for job in placed:
        room = rooms[job.node_id] if job.node_id is not None else None
        if room is not None and not room.takes_jobs:
            why = f"{room.node.name} cannot start it now"
            returned += _return_unlocked(job, why)
    return returned


def _return_unlocked(job: Job, why: str) -> bool:
    """False: it has moved on, or somebody has it locked and a later pass looks again."""
    try:
        with transaction.atomic():
            unlocked = Job.objects.filter(pk=job.pk).unlocked().first() is not None
            return unlocked and lifecycle.return_to_queue(job, why, actor=SCHEDULER)
    except OperationalError as error:
        if not is_lost_to_a_lock(error):
            raise
        logger.warning("job=%s: what it holds is locked: %s", job.pk, str(error).strip())
        return False


def _tell(placed: list[Job]) -> bool:
    """Send the messages of what was placed. False: the broker is away; recovery sends the rest later."""
    for told, job in enumerate(placed):
        try:
            lifecycle.dispatch(job, actor=SCHEDULER)
        except BrokerUnreachableError as error:
            logger.warning("broker does not take messages: %s", error)
            lifecycle.await_broker(placed[told:])
            return False
    return True


def _explain(jobs: dict[int, Job], waits: list[Wait]) -> None:
    """Write the reasons that are new, equal ones together; an unchanged one costs nothing."""
    changed = defaultdict(list)
    for wait in waits:
        job = jobs[wait.job]
        if (job.reason, job.detail) != (wait.reason, wait.sentence):
            changed[wait.reason, wait.sentence].append(job)
    for (reason, sentence), alike in changed.items():
        lifecycle.explain_all(alike, reason, sentence)
