"""Two transitions of one job at once: one of them happens, and the row and what it holds agree."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction

from jobs import lifecycle, states
from jobs.lifecycle import Identities, SeenLease
from jobs.models import Job, Node, NodeLease
from jobs.models.clock import ClockTimestamp, database_now, from_now
from jobs.states import Hold, Service, Step
from tests import making
from tests.outbox import Outbox
from tests.races.duel import Act, behind, every_way

pytestmark = [pytest.mark.races, pytest.mark.django_db(transaction=True)]

TICKET = Identities(1, 1, 2, 2)


def seen(job: Job) -> Job:
    """The job as another one reads it now."""
    return Job.objects.select_related("node", "partition").get(pk=job.pk)


def now(job: Job) -> tuple[Step, int]:
    """Where it is, and how many allocations it holds."""
    return seen(job).step, len(making.held_by(job))


class Pairs:
    """Pairs of acts about a new job each time, and the last of these jobs."""

    def __init__(self, make: Any, *acts: Any) -> None:
        self.make, self.acts = make, acts
        self.job: Job

    def __call__(self) -> tuple[Act, Act]:
        making.node(cpus=100, memory_mb=100_000)  # room for all rounds, and the lease of now
        self.job = self.make()
        first, second = (self._bound(act, seen(self.job)) for act in self.acts)
        return first, second

    @staticmethod
    def _bound(act: Any, job: Job) -> Act:
        return lambda: act(job)


def start(job: Job) -> bool:
    return lifecycle.start(job, boot_id="b", spool_id="s", actor="n1")


def activate(job: Job) -> bool:
    return lifecycle.activate(job, TICKET, note="", actor="n1")


def active_on_a_lost_node(**changes: Any) -> Job:
    Node.objects.update(service=Service.UP)  # the round before has put it out of service
    job = making.active(**changes)
    NodeLease.objects.update(lease_until=ClockTimestamp())
    return job


def seen_lease() -> SeenLease:
    return SeenLease(*NodeLease.objects.values_list("node_id", "incarnation", "lease_until").get())


def give_up(job: Job) -> bool:
    return lifecycle.give_up(job, seen_lease(), "its agent is silent", actor="recovery")


def requeue_lost(job: Job) -> bool:
    return lifecycle.requeue_lost(job, seen_lease(), "its agent is silent", actor="recovery")


def finish(job: Job) -> bool:
    return lifecycle.finish(job, making.ending(0), actor="n1")


def cancel(job: Job) -> bool:
    return lifecycle.cancel(job, actor="ana")


def give_back(job: Job) -> bool:
    return lifecycle.return_to_queue(job, "n1 is drained", actor="scheduler")


def fence(job: Job) -> bool:
    return lifecycle.return_unstarted(job, actor="n1")


def hold(job: Job) -> bool:
    return lifecycle.hold(job, Hold.USER, actor="ana")


def hold_as_operator(job: Job) -> bool:
    return lifecycle.hold(job, Hold.ADMIN, actor="op")


def place(job: Job) -> bool:
    node = Node.objects.get(name="n1")
    with transaction.atomic():
        return lifecycle.place([lifecycle.Placing(job, node.pk, ())], database_now()) == [job]


def stopping() -> Job:
    job = making.starting()
    assert lifecycle.cancel(job, actor="ana")
    return job


@pytest.mark.parametrize(
    ("make", "first", "second", "after_first", "after_second"),
    [
        (making.active, finish, cancel, (states.COMPLETED, 0), (states.STOPPING, 1)),
        (making.active, finish, finish, (states.COMPLETED, 0), (states.COMPLETED, 0)),
        (stopping, finish, finish, (states.COMPLETED, 0), (states.COMPLETED, 0)),
        (making.placed, start, start, (states.STARTING, 1), (states.STARTING, 1)),
        (making.placed, give_back, start, (states.QUEUED, 0), (states.STARTING, 1)),
        (making.placed, give_back, give_back, (states.QUEUED, 0), (states.QUEUED, 0)),
        (making.starting, fence, activate, (states.QUEUED, 0), (states.ACTIVE, 1)),
        (making.starting, fence, finish, (states.QUEUED, 0), (states.COMPLETED, 0)),
        (making.starting, activate, activate, (states.ACTIVE, 1), (states.ACTIVE, 1)),
        (stopping, activate, activate, (states.STOPPING, 1), (states.STOPPING, 1)),
        (making.queued, place, place, (states.PLACED, 1), (states.PLACED, 1)),
        (making.queued, hold, hold_as_operator, (states.QUEUED, 0), (states.QUEUED, 0)),
    ],
    ids=lambda part: getattr(part, "__name__", None) or (None if isinstance(part, str) else ""),
)
def test_one_of_two_wins(make: Any, first: Any, second: Any, after_first: Any, after_second: Any) -> None:
    pairs = Pairs(make, first, second)
    for won_first, won_second in every_way(pairs):
        assert [won_first, won_second].count(True) == 1
        assert now(pairs.job) == (after_first if won_first else after_second)


def test_a_hold_belongs_to_whoever_was_told_so() -> None:
    pairs = Pairs(making.queued, hold, hold_as_operator)
    for by_user, _ in every_way(pairs):
        assert seen(pairs.job).hold == (Hold.USER if by_user else Hold.ADMIN)


def test_a_hold_is_lifted_once() -> None:
    def release(job: Job) -> bool:
        return lifecycle.release(job, actor="ana")

    pairs = Pairs(lambda: making.queued(hold=True), release, release)
    for answers in every_way(pairs):
        assert answers.count(True) == 1
        assert not seen(pairs.job).is_held


def test_a_cancel_is_never_lost_to_a_claim() -> None:
    pairs = Pairs(making.placed, cancel, start)
    for cancelled, started in every_way(pairs):
        assert cancelled
        assert now(pairs.job) == ((states.STOPPING, 1) if started else (states.CANCELLED, 0))


def test_a_cancel_is_never_lost_to_a_placing() -> None:
    pairs = Pairs(making.queued, cancel, place)
    for cancelled, _ in every_way(pairs):
        assert cancelled
        assert now(pairs.job) == (states.CANCELLED, 0)


def test_a_cancel_is_never_lost_to_a_return() -> None:
    pairs = Pairs(making.starting, cancel, fence)
    for cancelled, returned in every_way(pairs):
        assert cancelled
        assert now(pairs.job) == ((states.CANCELLED, 0) if returned else (states.STOPPING, 1))


def test_a_hold_is_never_lost_to_a_placing() -> None:
    pairs = Pairs(making.queued, hold, place)
    for held, _ in every_way(pairs):
        assert held
        assert seen(pairs.job).is_held
        assert now(pairs.job) == (states.QUEUED, 0)


@pytest.mark.parametrize("late", [start, give_back, lifecycle.dispatch], ids=["start", "return", "dispatch"])
def test_who_saw_an_earlier_attempt_changes_nothing(late: Any, outbox: Outbox) -> None:
    job = making.placed()
    of_the_first_attempt = seen(job)
    assert give_back(job)
    assert place(seen(job))
    assert not late(of_the_first_attempt)
    assert now(job) == (states.PLACED, 1)
    assert outbox.sent == []


def test_an_end_that_was_read_before_a_cancel_is_never_recorded_as_if_nobody_had_asked() -> None:
    def finish_killed(job: Job) -> bool:
        return lifecycle.finish(job, making.ending(None, exit_signal=15, cause="cancel"), actor="n1")

    pairs = Pairs(making.active, cancel, finish_killed)
    for cancelled, finished in every_way(pairs):
        assert cancelled is not finished
        if cancelled:
            assert finish_killed(seen(pairs.job))
        assert now(pairs.job) == (states.CANCELLED if cancelled else states.FAILED, 0)


def test_a_job_of_a_lost_node_ends_once_and_a_cancel_of_it_is_never_lost() -> None:
    pairs = Pairs(active_on_a_lost_node, cancel, give_up)
    for cancelled, given_up in every_way(pairs):
        assert cancelled is not given_up
        if cancelled:
            assert give_up(seen(pairs.job))
        assert now(pairs.job) == (states.CANCELLED if cancelled else states.FAILED, 0)


def test_a_result_of_a_lost_node_and_its_loss_are_not_both_recorded() -> None:
    pairs = Pairs(active_on_a_lost_node, finish, give_up)
    for finished, given_up in every_way(pairs):
        assert finished is not given_up
        assert now(pairs.job) == (states.COMPLETED if finished else states.FAILED, 0)


def test_a_job_of_a_lost_node_is_requeued_once() -> None:
    pairs = Pairs(lambda: active_on_a_lost_node(requeue=True), requeue_lost, requeue_lost)
    for answers in every_way(pairs):
        assert answers.count(True) == 1
        assert now(pairs.job) == (states.QUEUED, 0)


def test_a_lease_that_is_being_renewed_saves_the_jobs_of_its_node() -> None:
    making.node(cpus=100, memory_mb=100_000)
    job = active_on_a_lost_node()

    def renew() -> bool:
        return NodeLease.objects.update(lease_until=from_now(timedelta(hours=1))) == 1

    lost = seen(job)
    lease = seen_lease()
    assert behind(renew, lambda: lifecycle.give_up(lost, lease, "lost", actor="recovery")) == [True, False]
    assert now(job) == (states.ACTIVE, 1)
