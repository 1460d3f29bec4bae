"""T19 and T20: a node is lost, and what others may do about its jobs."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.conf import settings
from django.db.models import ProtectedError

from jobs import fleet, lifecycle, states
from jobs.execution.lease import LeaseKeeper
from jobs.lifecycle import SeenLease
from jobs.models import Job, Node, NodeEvent, NodeLease
from jobs.models.clock import database_now, from_now
from jobs.states import EventKind, Evidence, Reason, Service, State
from recovery import lost_nodes
from recovery.lost_nodes import Silences
from recovery.result import Outcome
from recovery.strategies import OrphanJobRecoveryStrategy
from tests import making

pytestmark = pytest.mark.django_db
Settles = Callable[..., bool]
PATIENCE = settings.REQUEUE_AFTER.total_seconds()


class SteadyClock:
    """A decider's own clock, which a test moves."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> SteadyClock:
    return SteadyClock()


@pytest.fixture
def silences(clock: SteadyClock) -> Silences:
    return Silences(clock)


def silence(node: str = "n1") -> None:
    """Its agent has not renewed its lease in time."""
    assert NodeLease.objects.filter(node__name=node).update(lease_until=from_now(-timedelta(seconds=1))) == 1


def lease_of(node: str) -> SeenLease:
    """Its lease as it is now."""
    lease = NodeLease.objects.get(node__name=node)
    return SeenLease(lease.node_id, lease.incarnation, lease.lease_until)


def say_down(node: str = "n1") -> None:
    assert fleet.ask_for(Node.objects.get(name=node), Service.DOWN, "on fire", actor="op")


def sweep(silences: Silences, now: datetime | None = None) -> dict[int, Outcome]:
    """What a sweep decides that runs on no node in particular."""
    strategy = OrphanJobRecoveryStrategy(None, silences)
    return {found.job: found.outcome for found in strategy.sweep(now or database_now(), dry_run=False)}


def fresh(job: Job) -> Job:
    job.refresh_from_db()
    return job


def service() -> str:
    return Node.objects.get(name="n1").service


def test_a_job_whose_node_an_operator_calls_down_fails_and_the_node_is_out_of_service(
    silences: Silences,
) -> None:
    job = making.active()
    silence()
    say_down()
    assert sweep(silences) == {job.pk: Outcome.RECOVERED}
    assert (fresh(job).state, job.reason, job.evidence) == (State.FAILED, Reason.NODE_FAIL, Evidence.NONE)
    assert (job.exit_code, making.held_by(job), service()) == (None, [], Service.DOWN)
    assert "op said that it is down" in job.detail
    told = NodeEvent.objects.latest("pk")
    assert (told.kind, told.actor) == ("service DOWN", "recovery")
    assert sweep(silences) == {}


def over_at(job: Job) -> datetime:
    """When it must have ended by its limit, whatever its node did."""
    assert job.limit_at is not None
    return job.limit_at + job.partition.grace + settings.LIMIT_GRACE


def test_a_job_whose_limit_is_long_over_on_a_silent_node_fails(
    silences: Silences, clock: SteadyClock
) -> None:
    job = making.active()
    silence()
    assert sweep(silences) == {}
    clock.seconds = PATIENCE - 1
    assert sweep(silences, over_at(job) + making.A_MOMENT) == {}
    clock.seconds = PATIENCE + 1
    assert sweep(silences, over_at(job) - making.A_MOMENT) == {}
    assert sweep(silences, over_at(job) + making.A_MOMENT) == {job.pk: Outcome.RECOVERED}
    assert (fresh(job).reason, service()) == (Reason.NODE_FAIL, Service.DOWN)


def test_f25_who_hears_the_database_again_first_gives_up_no_job_of_another_node(
    silences: Silences, clock: SteadyClock
) -> None:
    """F25: the outage ended every lease and outlasted a limit; the true result is a heartbeat away."""
    making.node("n2")
    job = making.active()
    silence("n1")
    silence("n2")
    assert sweep(silences, over_at(job) + timedelta(hours=1)) == {}
    clock.seconds = settings.HEARTBEAT.total_seconds()
    assert sweep(silences, over_at(job) + timedelta(hours=1)) == {}
    renew()
    assert lifecycle.finish(job, making.ending(0), actor="n1")
    assert (fresh(job).state, service()) == (State.COMPLETED, Service.UP)


def test_f25_a_silence_that_nobody_could_see_does_not_count(silences: Silences, clock: SteadyClock) -> None:
    """F25: it was silent when the database went away, and may have come back meanwhile."""
    again, once = making.active(requeue=True), making.active()
    silence()
    assert sweep(silences) == {}
    clock.seconds = 3600.0
    later = over_at(once) + making.A_MOMENT
    assert sweep(silences, later) == {}
    clock.seconds += PATIENCE - 1
    assert sweep(silences, later) == {}
    clock.seconds += 2
    assert sweep(silences, later) == {again.pk: Outcome.RECOVERED, once.pk: Outcome.RECOVERED}


def test_a_silent_node_alone_is_no_reason_to_touch_its_jobs(silences: Silences, clock: SteadyClock) -> None:
    job = making.active()
    silence()
    sweep(silences)
    clock.seconds = 10 * PATIENCE
    assert sweep(silences) == {}
    assert (fresh(job).step, service()) == (states.ACTIVE, Service.UP)


def test_a_job_of_a_node_that_still_speaks_is_its_own_affair_whatever_an_operator_says(
    silences: Silences,
) -> None:
    job = making.active()
    say_down()
    assert sweep(silences) == {}
    assert fresh(job).step == states.ACTIVE


def test_a_job_that_was_to_be_cancelled_is_cancelled(silences: Silences) -> None:
    """F76: though it might run again."""
    job = making.active(requeue=True)
    assert lifecycle.cancel(job, actor="ana")
    silence()
    say_down()
    assert sweep(silences) == {job.pk: Outcome.RECOVERED}
    assert fresh(job).state == State.CANCELLED


def renew() -> None:
    """Its agent speaks again."""
    NodeLease.objects.update(lease_until=from_now(timedelta(minutes=1)))


def take_over() -> None:
    """Another agent has the lease, and is silent already."""
    lease = NodeLease.objects.get()
    keeper = LeaseKeeper(lease.node, boot_id="b", spool_id="s", lease=timedelta())
    assert keeper.take()


@pytest.mark.parametrize("happen", [renew, take_over])
def test_a_lease_that_changed_since_it_was_seen_saves_its_jobs(silences: Silences, happen: object) -> None:
    job = making.active()
    silence()
    say_down()
    strategy = OrphanJobRecoveryStrategy(None, silences)
    (found,) = list(strategy.find(database_now()))
    happen()  # type: ignore[operator]
    assert not strategy.mend(found)
    assert (fresh(job).step, service()) == (states.ACTIVE, Service.UP)
    assert strategy.excuse(found) == "its node speaks again, or it has moved on"


@pytest.mark.parametrize("write", [lifecycle.give_up, lifecycle.requeue_lost])
def test_nobody_settles_the_jobs_of_a_node_whose_lease_runs(write: Settles) -> None:
    """Whatever was believed when the lease was read: a clock that was set back since makes it run again."""
    job = making.active(requeue=True)
    assert not write(job, lease_of("n1"), "it is silent", actor="op")
    assert (fresh(job).step, service()) == (states.ACTIVE, Service.UP)


@pytest.mark.parametrize("write", [lifecycle.give_up, lifecycle.requeue_lost])
def test_nobody_settles_jobs_by_the_lease_of_another_agent(write: Settles) -> None:
    job = making.active(requeue=True)
    silence()
    seen = lease_of("n1")
    assert not write(job, seen._replace(incarnation=seen.incarnation - 1), "it is silent", actor="op")
    assert (fresh(job).step, service()) == (states.ACTIVE, Service.UP)


@pytest.mark.parametrize("write", [lifecycle.give_up, lifecycle.requeue_lost])
def test_nobody_settles_jobs_by_the_lease_of_another_node(write: Settles) -> None:
    making.node("n2")
    job = making.active(requeue=True)
    silence("n2")
    assert not write(job, lease_of("n2"), "it is silent", actor="op")
    assert (fresh(job).step, service()) == (states.ACTIVE, Service.UP)


def test_a_job_that_moved_on_since_it_was_found_leaves_its_node_in_service(silences: Silences) -> None:
    job = making.active()
    silence()
    say_down()
    strategy = OrphanJobRecoveryStrategy(None, silences)
    (found,) = list(strategy.find(database_now()))
    assert lifecycle.finish(job, making.ending(0), actor="n1")
    assert not strategy.mend(found)
    assert (fresh(job).state, service()) == (State.COMPLETED, Service.UP)


def test_a_job_that_may_run_again_is_requeued_once_its_node_was_silent_for_long(
    silences: Silences, clock: SteadyClock
) -> None:
    job = making.active(requeue=True)
    silence()
    assert sweep(silences) == {}
    clock.seconds = PATIENCE - 1
    assert sweep(silences) == {}
    clock.seconds = PATIENCE + 1
    assert sweep(silences) == {job.pk: Outcome.RECOVERED}
    assert (fresh(job).step, job.attempt, job.unstarted, job.node) == (states.QUEUED, 1, 0, None)
    assert (making.held_by(job), service()) == ([], Service.DOWN)
    assert job.events.latest("pk").kind == EventKind.REQUEUED


def test_a_silence_that_was_broken_is_counted_anew(silences: Silences, clock: SteadyClock) -> None:
    making.active(requeue=True)
    silence()
    assert sweep(silences) == {}
    clock.seconds = PATIENCE - 1
    silence()  # it has renewed meanwhile, and is silent again
    assert sweep(silences) == {}
    clock.seconds += PATIENCE - 1
    assert sweep(silences) == {}


@pytest.mark.parametrize("requeue", [True, False])
@pytest.mark.parametrize("limit", [timedelta(minutes=5), timedelta(days=2)])
def test_f61_a_jump_of_the_databases_clock_requeues_nothing_and_ends_nothing(
    silences: Silences, requeue: bool, limit: timedelta
) -> None:
    """F61: lease and limit seem to be over, and for very long; the decider's own clock says otherwise."""
    job = making.active(requeue=requeue, time_limit=limit)
    jumped = database_now() + timedelta(hours=5)
    assert (sweep(silences, jumped), sweep(silences, jumped)) == ({}, {})
    assert (fresh(job).step, service()) == (states.ACTIVE, Service.UP)


def test_a_job_that_has_used_its_runs_up_is_not_requeued(silences: Silences, clock: SteadyClock) -> None:
    """F78: it is given up in the end."""
    job = making.active(requeue=True, max_attempts=1)
    silence()
    sweep(silences)
    clock.seconds = PATIENCE + 1
    assert sweep(silences) == {}
    say_down()
    assert sweep(silences) == {job.pk: Outcome.RECOVERED}
    assert fresh(job).reason == Reason.NODE_FAIL


def test_a_job_that_may_run_again_waits_even_when_an_operator_calls_its_node_down(silences: Silences) -> None:
    job = making.active(requeue=True)
    silence()
    say_down()
    assert sweep(silences) == {}
    assert fresh(job).step == states.ACTIVE


def test_nobody_settles_jobs_of_the_own_node_by_its_silence(silences: Silences) -> None:
    making.active()
    silence()
    say_down()
    assert list(lost_nodes.find(database_now(), silences, own_node="n1")) == []


def test_f68_a_node_with_jobs_is_not_removed() -> None:
    """F68: the database refuses it."""
    making.active()
    with pytest.raises(ProtectedError):
        Node.objects.get().delete()
