"""One pass of the scheduler on real rows, with an outbox for messages."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from jobs import fleet, lifecycle, messages, states
from jobs.messages import BrokerUnreachableError
from jobs.models import Job, NodeLease, Partition
from jobs.models.clock import ClockTimestamp, database_now, from_now
from jobs.states import Hold, Reason, Service
from scheduler import snapshot
from scheduler.cycle import run_pass
from scheduler.leader import DeposedError, Leader
from tests import making
from tests.outbox import Outbox

pytestmark = pytest.mark.django_db


@pytest.fixture
def leader() -> Leader:
    made = Leader("test", timedelta(minutes=1))
    assert made.campaign()
    return made


def step_of(job: Job) -> states.Step:
    job.refresh_from_db()
    return job.step


def test_a_waiting_job_is_placed_and_its_node_is_told_once(leader: Leader, outbox: Outbox) -> None:
    making.node()
    job = making.queued()
    assert run_pass(leader).placed == 1
    assert step_of(job) == states.PLACED
    assert outbox.pairs() == [(job.pk, 1)]
    assert outbox.sent[0].options["task_id"] == f"job_{job.pk}"


def test_the_higher_priority_goes_first_then_the_older(leader: Leader, outbox: Outbox) -> None:
    making.node(cpus=2)
    older, _younger, urgent = making.queued(), making.queued(), making.queued(priority=5)
    run_pass(leader)
    assert [pair[0] for pair in outbox.pairs()] == [urgent.pk, older.pk]


def test_a_job_without_room_waits_with_a_reason_and_a_sentence(leader: Leader, outbox: Outbox) -> None:
    making.active(cpus=2)
    job = making.queued()
    run_pass(leader)
    job.refresh_from_db()
    assert job.reason == Reason.RESOURCES
    assert "n1 has 0 CPUs" in job.detail


def test_one_sentence_about_many_jobs_is_one_write(leader: Leader, outbox: Outbox) -> None:
    making.active(cpus=2)
    jobs = [making.queued() for _ in range(20)]
    with CaptureQueriesContext(connection) as queries:
        run_pass(leader)
    assert [fresh.reason for fresh in Job.objects.filter(pk__in=[job.pk for job in jobs])] == [
        "Resources"
    ] * 20
    assert sum(query["sql"].startswith('UPDATE "jobs_job"') for query in queries) == 1


def test_a_held_job_is_not_placed(leader: Leader, outbox: Outbox) -> None:
    making.node()
    job = making.queued(hold=True)
    run_pass(leader)
    assert step_of(job) == states.QUEUED
    assert job.reason == Reason.JOB_HELD_USER


def test_a_paused_partition_places_nothing_and_says_so(leader: Leader, outbox: Outbox) -> None:
    making.node()
    Partition.objects.update(state=Partition.State.PAUSED)
    job = making.queued()
    run_pass(leader)
    job.refresh_from_db()
    assert job.reason == Reason.PARTITION_DOWN


def test_f12_jobs_of_a_paused_partition_keep_nobody_behind_them_from_a_place(
    leader: Leader, outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F12: however many they are; what they wait for is said of all of them in one write."""
    monkeypatch.setattr(snapshot, "PASS_SIZE", 2)
    partition = Partition.objects.create(name="nights", state=Partition.State.PAUSED, priority=9)
    for _ in range(5):
        making.queued(partition="nights")
    making.node()
    fit = making.queued()
    assert run_pass(leader).placed == 1
    assert step_of(fit) == states.PLACED
    assert partition.jobs.filter(reason=Reason.PARTITION_DOWN).count() == 5
    with CaptureQueriesContext(connection) as queries:
        run_pass(leader)
    assert partition.jobs.filter(detail="An operator paused partition nights.").count() == 5
    assert sum(query["sql"].startswith('UPDATE "jobs_job"') for query in queries) == 1


def test_f12_jobs_that_fit_nowhere_keep_nobody_behind_them_from_a_place(
    leader: Leader, outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F12: a pass looks at the head of the queue, and goes on where the last one stopped."""
    monkeypatch.setattr(snapshot, "PASS_SIZE", 2)
    making.node(cpus=1)
    unfit = [making.queued(cpus=2, priority=number % 3) for number in range(7)]
    fit, last = making.queued(), making.queued(priority=-1)
    report = [run_pass(leader) for _ in range(3)]
    assert [one.placed for one in report] == [0, 0, 1]
    assert max(one.waiting for one in report) == 4
    assert (step_of(fit), step_of(last)) == (states.PLACED, states.QUEUED)
    assert {fresh.reason for fresh in Job.objects.filter(pk__in=[job.pk for job in unfit])} == {
        Reason.BAD_CONSTRAINTS
    }


def test_a_pass_that_reached_the_end_of_the_queue_begins_again_behind_its_head(
    leader: Leader, outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot, "PASS_SIZE", 2)
    unfit = [making.queued(cpus=2) for _ in range(5)]
    making.node(cpus=1)
    marks = []
    for _ in range(4):
        run_pass(leader)
        marks.append(leader.mark)
    assert marks == [unfit[3].mark, None, unfit[3].mark, None]


@pytest.mark.parametrize(
    ("lease", "reason"),
    [
        ({"lease_until": ClockTimestamp()}, Reason.REQ_NODE_NOT_AVAIL),
        ({"broker_ok_at": from_now(-timedelta(hours=1))}, Reason.BROKER_DOWN),
        ({"broker_ok_at": None}, Reason.BROKER_DOWN),
    ],
)
def test_a_node_that_does_not_answer_or_does_not_hear_gets_no_job_and_gives_placed_ones_back(
    leader: Leader, outbox: Outbox, lease: dict[str, object], reason: Reason
) -> None:
    job = making.placed()
    NodeLease.objects.update(**lease)
    run_pass(leader)
    job.refresh_from_db()
    assert (job.step, job.reason, job.unstarted) == (states.QUEUED, reason, 1)
    assert making.held_by(job) == []


def test_a_drained_node_gives_its_placed_jobs_back(leader: Leader, outbox: Outbox) -> None:
    job = making.placed()
    fleet.ask_for(making.node(), Service.DRAIN, "disk", actor="op")
    run_pass(leader)
    assert step_of(job) == states.QUEUED


def test_a_broker_that_takes_no_message_leaves_the_job_placed_with_a_true_reason(
    leader: Leader, outbox: Outbox
) -> None:
    making.node()
    job = making.queued()
    outbox.refuse_with(BrokerUnreachableError("away"))
    assert run_pass(leader).broker_down
    job.refresh_from_db()
    assert (job.step, job.reason) == (states.PLACED, Reason.BROKER_DOWN)


def test_only_those_whose_message_was_not_taken_wait_for_the_broker(
    leader: Leader, outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    making.node(cpus=3)
    jobs = [making.queued() for _ in range(3)]

    def post(name: str, args: list[Any], **options: Any) -> None:
        outbox.post(name, args, **options)
        outbox.refuse_with(OSError("away"))

    monkeypatch.setattr(messages, "post", post)
    assert run_pass(leader).broker_down
    reasons = [Job.objects.get(pk=job.pk).reason for job in jobs]
    assert reasons == [Reason.NONE, Reason.BROKER_DOWN, Reason.BROKER_DOWN]


def test_a_job_whose_message_was_taken_at_last_waits_for_the_broker_no_longer(
    leader: Leader, outbox: Outbox
) -> None:
    making.node()
    job = making.queued()
    outbox.refuse_with(OSError("away"))
    run_pass(leader)
    outbox.refusal = None
    job = Job.objects.select_related("node").get(pk=job.pk)
    assert lifecycle.dispatch(job, actor="recovery")
    job.refresh_from_db()
    assert (job.step, job.reason) == (states.PLACED, Reason.NONE)


def test_a_leader_whose_lease_is_over_places_nothing(leader: Leader, outbox: Outbox) -> None:
    making.node()
    job = making.queued()
    leader.step_down()
    leader.term = 1
    with pytest.raises(DeposedError):
        run_pass(leader)
    assert step_of(job) == states.QUEUED
    assert outbox.sent == []


def test_a_job_held_between_snapshot_and_placing_is_not_placed() -> None:
    job = making.queued()
    seen = Job.objects.get(pk=job.pk)
    lifecycle.hold(job, Hold.USER, actor="ana")
    assert lifecycle.place([lifecycle.Placing(seen, making.node().pk, ())], database_now()) == []
