"""The eleven who may want something of one job at the same moment, and from where to where each moves it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from django.db import transaction

from jobs import fleet, lifecycle
from jobs.execution.lease import LeaseKeeper
from jobs.lifecycle import Identities, Placing, SeenLease
from jobs.models import Job, Node
from jobs.models.clock import database_now
from jobs.states import (
    ACTIVE,
    CANCELLED,
    COMPLETED,
    FAILED,
    PLACED,
    QUEUED,
    STARTING,
    STOPPING,
    Evidence,
    Reason,
    Service,
    Step,
)
from recovery import lost_nodes
from tests import making


class Seen(NamedTuple):
    """What one of them has read before the race."""

    job: Job
    lease: SeenLease
    keeper: LeaseKeeper


@dataclass(frozen=True, eq=False)
class Act:
    """What one of them does. True: it has done it."""

    name: str
    moves: Mapping[Step, Step] = field(repr=False)
    do: Callable[[Seen], bool] = field(repr=False)
    looks_again: bool = False
    """What others have made of the job meanwhile does not keep it from its own."""
    passes_by: bool = False
    """It leaves a row that somebody has locked for a later pass."""
    wants_requeue: bool = False
    """It is about jobs whose owner lets them run again."""


def _finish(seen: Seen) -> bool:
    return lifecycle.finish(seen.job, making.ending(0), actor="n1")


def _cancel(seen: Seen) -> bool:
    return lifecycle.cancel(seen.job, actor="ana")


def _record_limit(seen: Seen) -> bool:
    killed = making.ending(None, exit_signal=15, cause="limit")
    return lifecycle.finish(seen.job, killed, actor="n1")


def _enforce_limit(seen: Seen) -> bool:
    why = "Its limit was over and its supervisor did nothing."
    return lifecycle.lose(seen.job, Reason.TIME_LIMIT, why, evidence=Evidence.ABSENCE, actor="n1")


def _expire(seen: Seen) -> bool:
    return lifecycle.expire(seen.job, actor="recovery")


def _recover(seen: Seen) -> bool:
    """T4b, T16 or T17: what a sweep makes of a job that it finds at this step."""
    if seen.job.step == PLACED:
        return lifecycle.return_to_queue(seen.job, "n1 cannot start it", actor="recovery")
    if seen.job.step in (QUEUED, STARTING):  # to one that has not even its place, this does nothing
        return lifecycle.return_unstarted(seen.job, actor="n1")
    gone = "Its supervisor is gone."
    return lifecycle.lose(seen.job, Reason.SUPERVISOR_LOST, gone, evidence=Evidence.ABSENCE, actor="n1")


def _declare_dead(seen: Seen) -> bool:
    return lost_nodes.settle(seen.job, seen.lease, "its agent is silent")


def _claim(seen: Seen) -> bool:
    return lifecycle.start(seen.job, boot_id=making.BOOT, spool_id=making.SPOOL, actor="n1")


def _republish(seen: Seen) -> bool:
    return lifecycle.dispatch(seen.job, actor="recovery")


def _place(seen: Seen) -> bool:
    with transaction.atomic():
        return lifecycle.place([Placing(seen.job, seen.lease.node_id, ())], database_now()) == [seen.job]


def _adopt(seen: Seen) -> bool:
    """An agent that has just started finds the ticket, and records it."""
    return lifecycle.activate(seen.job, Identities(1, 1, 2, 2), note="found running", actor="n1")


def _rejoin(seen: Seen) -> bool:
    """T15 and T21: the agent reaches the database again; of what is there to account for, all is done."""
    seen.keeper.renew(hears_broker=True)
    node = Node.objects.get(pk=seen.lease.node_id)
    if node.service == Service.DOWN:
        fleet.set_service(node, Service.RECONCILING, "every process is looked at", fleet.AGENT)
    if node.service == Service.RECONCILING:
        fleet.set_service(node, Service.UP, "every process is accounted for", fleet.AGENT)
    return node.service == Service.UP


RUNNING = (STARTING, ACTIVE)
ENDS_STOPPING = {STOPPING: CANCELLED}
FAILS = {**dict.fromkeys(RUNNING, FAILED), **ENDS_STOPPING}
RUNS_AGAIN = {**dict.fromkeys(RUNNING, QUEUED), **ENDS_STOPPING}
ANYWHERE = (QUEUED, PLACED, STARTING, ACTIVE, STOPPING, COMPLETED, FAILED, CANCELLED)

FINISH = Act("finish", dict.fromkeys((*RUNNING, STOPPING), COMPLETED), _finish)
CANCEL = Act(
    "cancel",
    {**dict.fromkeys((QUEUED, PLACED), CANCELLED), **dict.fromkeys(RUNNING, STOPPING)},
    _cancel,
    looks_again=True,
)
LIMIT_BY_WRAPPER = Act("limit", FAILS, _record_limit)
LIMIT_BY_AGENT = Act("limit", FAILS, _enforce_limit)
EXPIRE = Act("expire", dict.fromkeys((QUEUED, PLACED), FAILED), _expire)
RECOVER = Act("recover", {PLACED: QUEUED, STARTING: QUEUED, ACTIVE: FAILED, **ENDS_STOPPING}, _recover)
GIVE_UP = Act("declare dead", FAILS, _declare_dead)
RUN_AGAIN = Act(
    "declare dead", {**dict.fromkeys(RUNNING, QUEUED), **ENDS_STOPPING}, _declare_dead, wants_requeue=True
)
CLAIM = Act("claim", {PLACED: STARTING}, _claim)
REPUBLISH = Act("republish", {PLACED: PLACED}, _republish, passes_by=True)
PLACE = Act("place", {QUEUED: PLACED}, _place, passes_by=True)
ADOPT = Act("adopt", {STARTING: ACTIVE, STOPPING: STOPPING}, _adopt)
REJOIN = Act("rejoin", {step: step for step in ANYWHERE}, _rejoin, looks_again=True)

ACTS = (
    FINISH, CANCEL, LIMIT_BY_WRAPPER, LIMIT_BY_AGENT, EXPIRE, RECOVER, GIVE_UP, RUN_AGAIN, CLAIM, REPUBLISH,
    PLACE, ADOPT, REJOIN,
)  # fmt: skip
NAMES = tuple(dict.fromkeys(act.name for act in ACTS))
"""Eleven, in the order in which the table tells of them."""
