"""Every transition: its guard, its event, and what it gives back."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import IntegrityError, transaction

from jobs import lifecycle, states
from jobs.errors import IdempotencyConflict
from jobs.lifecycle import Identities, journal
from jobs.messages import BrokerUnreachableError
from jobs.models import Job, Node, ResourceAllocation
from jobs.models.clock import database_now
from jobs.states import AllocationStatus, EventKind, Evidence, Hold, Reason, Source, State
from recovery.invariants.capacity import overdrafts
from recovery.invariants.rows import ROW_INVARIANTS
from tests import making
from tests.outbox import Outbox

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _every_row_invariant_holds_at_the_end(db: None) -> Any:
    yield
    from django.db import connection  # noqa: PLC0415 - after the test's own rows

    for name, (says, query) in ROW_INVARIANTS.items():
        with connection.cursor() as cursor:
            cursor.execute(query)
            assert cursor.fetchall() == [], f"{name}: {says}"
    assert overdrafts() == []


def fresh(job: Job) -> Job:
    job.refresh_from_db()
    return job


def kinds(job: Job) -> list[str]:
    return list(job.events.values_list("kind", flat=True))


def test_a_submitted_job_waits_with_a_reason_and_one_event() -> None:
    job = making.queued()
    assert (job.step, job.reason, job.attempt) == (states.QUEUED, Reason.NOT_CONSIDERED_YET, 0)
    assert kinds(job) == [EventKind.SUBMITTED]


def test_the_same_key_with_the_same_request_is_the_first_job() -> None:
    ana = making.user()
    first, new = lifecycle.submit(making.spec(), ana, source=Source.API, key="k")
    again, new_again = lifecycle.submit(making.spec(), ana, source=Source.API, key="k")
    assert (again, new, new_again) == (first, True, False)


def test_the_same_key_with_another_request_is_refused() -> None:
    lifecycle.submit(making.spec(), making.user(), source=Source.API, key="k")
    with pytest.raises(IdempotencyConflict):
        lifecycle.submit(making.spec(name="other"), making.user(), source=Source.API, key="k")


def test_the_same_key_of_another_person_is_another_job() -> None:
    first, _ = lifecycle.submit(making.spec(), making.user(), source=Source.API, key="k")
    second, _ = lifecycle.submit(making.spec(), making.user("bob"), source=Source.API, key="k")
    assert first.pk != second.pk


def test_a_placed_job_holds_what_it_asked_for() -> None:
    making.node(gpus=2)
    job = making.placed(cpus=2, memory_mb=100, gpus=2)
    (held,) = making.held_by(job)
    assert (held.cpus, held.memory_mb, held.gpus, held.status) == (2, 100, [0, 1], AllocationStatus.RESERVED)
    assert (job.step, job.attempt, held.attempt) == (states.PLACED, 1, 1)


@pytest.mark.parametrize("ask", [{"cpus": 3}, {"memory_mb": 5000}, {"gpus": 1}])
def test_a_node_never_gives_what_it_does_not_have(ask: dict[str, int]) -> None:
    job = making.queued(**ask)
    placing = lifecycle.Placing(job, making.node().pk, tuple(range(job.gpus)))
    assert lifecycle.place([placing], database_now()) == []


@pytest.mark.parametrize("ask", [{"cpus": 2}, {"memory_mb": 4000}])
def test_two_jobs_that_are_placed_together_never_get_more_than_there_is(ask: dict[str, int]) -> None:
    jobs = [making.queued(**ask), making.queued(**ask)]
    placings = [lifecycle.Placing(job, making.node().pk, ()) for job in jobs]
    assert lifecycle.place(placings, database_now()) == jobs[:1]


def test_one_gpu_has_one_holder() -> None:
    making.node(gpus=1)
    making.placed(gpus=1)
    late = lifecycle.Placing(making.queued(gpus=1), Node.objects.get().pk, (0,))
    assert lifecycle.place([late], database_now()) == []


def test_a_job_placed_since_it_was_seen_is_not_placed_again() -> None:
    job = making.queued()
    seen = Job.objects.get(pk=job.pk)
    place = lifecycle.place([lifecycle.Placing(job, making.node().pk, ())], database_now())
    assert place == [job]
    assert lifecycle.place([lifecycle.Placing(seen, making.node().pk, ())], database_now()) == []


def test_a_message_is_sent_once_for_each_number_won(outbox: Outbox) -> None:
    job = making.placed()
    seen = Job.objects.select_related("node").get(pk=job.pk)
    assert lifecycle.dispatch(job)
    assert not lifecycle.dispatch(seen)
    assert outbox.pairs() == [(job.pk, 1)]


def test_a_message_that_the_broker_refused_counts_as_sent_for_the_grace(outbox: Outbox) -> None:
    outbox.refuse_with(BrokerUnreachableError("away"))
    job = making.placed()
    with pytest.raises(BrokerUnreachableError):
        lifecycle.dispatch(job)
    assert fresh(job).dispatch_seq == 1


def test_who_comes_too_late_to_end_a_job_releases_nothing() -> None:
    job = making.starting()
    seen = Job.objects.select_related("node").get(pk=job.pk)
    assert lifecycle.activate(job, Identities(1, 1, 2, 2), note="", actor="n1")
    gone = "its process is gone"
    assert not lifecycle.lose(seen, Reason.SUPERVISOR_LOST, gone, evidence=Evidence.ABSENCE, actor="n1")
    assert len(making.held_by(job)) == 1
    assert fresh(job).step == states.ACTIVE


@pytest.mark.parametrize("make", [making.queued, making.starting, making.active])
def test_only_what_is_placed_is_claimed(make: Callable[[], Job]) -> None:
    job = make()
    before = job.step
    assert not lifecycle.start(job, boot_id="b", spool_id="s", actor="n1")
    assert fresh(job).step == before


def test_only_what_waits_expires() -> None:
    job = making.active()
    assert not lifecycle.expire(job, actor="recovery")
    assert fresh(job).step == states.ACTIVE


def test_who_saw_a_job_before_an_earlier_attempt_does_not_place_it() -> None:
    job = making.queued()
    seen = Job.objects.get(pk=job.pk)
    making.place(job)
    job.refresh_from_db()
    assert lifecycle.start(job, boot_id="b", spool_id="s", actor="n1")
    job.refresh_from_db()
    assert lifecycle.return_unstarted(job, actor="n1")
    late = lifecycle.Placing(seen, Node.objects.get().pk, ())
    assert lifecycle.place([late], database_now()) == []


def test_a_claim_needs_the_attempt_that_the_message_names() -> None:
    job = making.placed()
    stale = Job.objects.get(pk=job.pk)
    stale.attempt = 7
    assert not lifecycle.start(stale, boot_id="b", spool_id="s", actor="n1")
    assert fresh(job).step == states.PLACED


def test_a_job_is_claimed_once() -> None:
    job = making.placed()
    twin = Job.objects.get(pk=job.pk)
    assert lifecycle.start(job, boot_id="b", spool_id="s", actor="n1")
    assert not lifecycle.start(twin, boot_id="b", spool_id="s", actor="n1")
    assert fresh(job).limit_at is not None


def test_the_ticket_makes_a_claimed_job_active() -> None:
    job = making.active()
    (held,) = making.held_by(job)
    assert (job.step, held.status, held.wrapper_pid, held.pid) == (
        states.ACTIVE,
        AllocationStatus.ALLOCATED,
        1,
        2,
    )


def test_a_ticket_found_while_stopping_is_recorded_and_it_goes_on_stopping() -> None:
    job = making.starting()
    lifecycle.cancel(job, actor="ana")
    assert lifecycle.activate(fresh(job), lifecycle.Identities(1, 1, 2, 2), note="", actor="n1")
    assert fresh(job).step == states.STOPPING
    assert making.held_by(job)[0].has_identity


def test_a_start_that_is_recorded_late_leaves_the_limit_where_it_was() -> None:
    making.node(cpus=4)
    late, later = making.starting(), making.starting()
    identities = lifecycle.Identities(1, 1, 2, 2)
    assert lifecycle.activate(late, identities, note="", actor="n1", age=timedelta(minutes=2))
    assert lifecycle.activate(later, identities, note="", actor="n1", age=-timedelta(hours=2))
    minutes, now = timedelta(minutes=1), database_now()
    moments = Job.objects.filter(limit_at__gt=now + 2 * minutes)
    assert moments.filter(pk=late.pk, limit_at__lte=now + 3 * minutes).exists()
    assert moments.filter(pk=later.pk, limit_at__lt=now + later.time_limit + 2 * minutes).exists()


@pytest.mark.parametrize(
    ("ending", "state", "reason"),
    [
        (making.ending(0), State.COMPLETED, Reason.NONE),
        (making.ending(7), State.FAILED, Reason.NON_ZERO_EXIT_CODE),
        (making.ending(None, exit_signal=9), State.FAILED, Reason.RAISED_SIGNAL),
        (making.ending(None, exit_signal=9, cause="limit"), State.FAILED, Reason.TIME_LIMIT),
        (making.ending(0, cause="limit"), State.FAILED, Reason.TIME_LIMIT),
        (making.ending(None, launch_error="[Errno 2]"), State.FAILED, Reason.JOB_LAUNCH_FAILURE),
    ],
)
def test_an_end_is_recorded_as_its_wrapper_said(ending: Any, state: State, reason: Reason) -> None:
    job = making.active()
    assert lifecycle.finish(job, ending, actor="n1")
    assert (fresh(job).state, job.reason, job.exit_code) == (state, reason, ending.exit_code)
    assert making.held_by(job) == []
    assert job.evidence == Evidence.SPOOL


@pytest.mark.parametrize(
    ("ending", "state"),
    [
        (making.ending(None, exit_signal=15, cause="cancel"), State.CANCELLED),
        (making.ending(0, cause="cancel"), State.CANCELLED),
        (making.ending(3), State.CANCELLED),
        (making.ending(None, exit_signal=9, cause="limit"), State.CANCELLED),
        (making.ending(0), State.COMPLETED),
    ],
)
def test_a_cancelled_job_is_cancelled_unless_it_ended_by_itself_with_0(ending: Any, state: State) -> None:
    job = making.active()
    lifecycle.cancel(job, actor="ana")
    assert lifecycle.finish(fresh(job), ending, actor="n1")
    assert fresh(job).state == state


def test_an_end_is_recorded_once() -> None:
    job = making.active()
    twin = Job.objects.get(pk=job.pk)
    assert lifecycle.finish(job, making.ending(0), actor="n1")
    assert not lifecycle.finish(twin, making.ending(1), actor="n1")
    assert fresh(job).state == State.COMPLETED


def test_the_end_and_the_release_are_one_transaction(monkeypatch: pytest.MonkeyPatch) -> None:
    job = making.active()

    def fail(*_: object, **__: object) -> int:
        raise RuntimeError("the machine stops here")

    monkeypatch.setattr("jobs.lifecycle.end.free", fail)
    with pytest.raises(RuntimeError):
        lifecycle.finish(job, making.ending(0), actor="n1")
    monkeypatch.undo()
    assert Job.objects.get(pk=job.pk).step == states.ACTIVE
    assert len(making.held_by(job)) == 1


def test_a_waiting_job_is_cancelled_at_once() -> None:
    job = making.queued()
    assert lifecycle.cancel(job, actor="ana")
    assert (fresh(job).state, job.reason, job.cancel_requested_at) == (
        State.CANCELLED,
        Reason.CANCELLED,
        None,
    )


def test_a_placed_job_is_cancelled_and_gives_everything_back() -> None:
    making.node(gpus=1)
    job = making.placed(gpus=1)
    assert lifecycle.cancel(job, actor="ana")
    assert fresh(job).state == State.CANCELLED
    assert making.held_by(job) == []
    assert making.placed(gpus=1).step == states.PLACED


def test_a_running_job_is_not_called_cancelled_while_it_lives() -> None:
    job = making.active()
    assert lifecycle.cancel(job, actor="ana")
    assert (fresh(job).step, job.cancel_requested_by) == (states.STOPPING, "ana")
    assert len(making.held_by(job)) == 1
    assert not lifecycle.cancel(job, actor="bob")


def test_a_job_seen_waiting_that_runs_by_now_is_stopped() -> None:
    seen = making.placed()
    assert lifecycle.start(Job.objects.get(pk=seen.pk), boot_id="b", spool_id="s", actor="n1")
    assert lifecycle.cancel(seen, actor="ana")
    assert fresh(seen).step == states.STOPPING


def test_no_transition_leads_out_of_an_end() -> None:
    """Whatever a door forgets to ask: what all of them are made of refuses it."""
    ended = making.ended()
    for to in (states.CANCELLED, states.QUEUED):
        assert not journal.change(ended, to, EventKind.FINISHED, "tests")
    assert fresh(ended).step == states.COMPLETED


def test_an_ended_job_cannot_be_cancelled() -> None:
    """F71: its end stays."""
    job = making.ended()
    assert not lifecycle.cancel(job, actor="ana")
    assert fresh(job).state == State.COMPLETED


def test_an_attempt_that_never_started_goes_back_to_the_queue() -> None:
    job = making.starting()
    assert lifecycle.return_unstarted(job, actor="n1")
    assert (fresh(job).step, job.unstarted, job.node, job.limit_at) == (states.QUEUED, 1, None, None)
    assert making.held_by(job) == []


def test_an_attempt_that_never_started_and_was_to_stop_is_cancelled() -> None:
    job = making.starting()
    lifecycle.cancel(job, actor="ana")
    assert lifecycle.return_unstarted(fresh(job), actor="n1")
    assert fresh(job).state == State.CANCELLED


def test_a_job_whose_attempts_never_start_is_given_up() -> None:
    job = making.starting()
    job.unstarted = settings.UNSTARTED_LIMIT - 1
    assert lifecycle.return_unstarted(job, actor="n1")
    assert (fresh(job).state, job.reason) == (State.FAILED, Reason.JOB_LAUNCH_FAILURE)


def test_a_lost_job_says_what_it_rests_on() -> None:
    job = making.active()
    lost = lifecycle.lose(job, Reason.SUPERVISOR_LOST, "gone", evidence=Evidence.ABSENCE, actor="n1")
    assert lost
    assert (fresh(job).state, job.reason, job.evidence) == (
        State.FAILED,
        Reason.SUPERVISOR_LOST,
        Evidence.ABSENCE,
    )


def test_a_lost_job_that_was_to_stop_is_cancelled() -> None:
    job = making.active()
    lifecycle.cancel(job, actor="ana")
    lifecycle.lose(fresh(job), Reason.SUPERVISOR_LOST, "gone", evidence=Evidence.ABSENCE, actor="n1")
    assert fresh(job).state == State.CANCELLED


def test_a_hold_keeps_a_job_and_a_release_lets_it_go() -> None:
    job = making.queued()
    assert lifecycle.hold(job, Hold.USER, actor="ana")
    assert fresh(job).reason == Reason.JOB_HELD_USER
    assert lifecycle.release(job, actor="ana")
    assert fresh(job).reason == Reason.NOT_CONSIDERED_YET


def test_a_placed_job_that_is_held_gives_its_place_back() -> None:
    job = making.placed()
    assert lifecycle.hold(job, Hold.ADMIN, actor="op")
    assert (fresh(job).step, job.reason, job.hold) == (states.QUEUED, Reason.JOB_HELD_ADMIN, Hold.ADMIN)
    assert making.held_by(job) == []


def test_a_running_job_cannot_be_held() -> None:
    assert not lifecycle.hold(making.active(), Hold.USER, actor="ana")


def test_a_reason_is_not_written_over_a_hold_that_came_since() -> None:
    job = making.queued()
    seen = Job.objects.get(pk=job.pk)
    lifecycle.hold(job, Hold.USER, actor="ana")
    assert lifecycle.explain_all([seen], Reason.RESOURCES, "no room") == 0


@pytest.mark.parametrize(
    "columns",
    [
        {"state": State.RUNNING},
        {"phase": "DONE"},
        {"state": State.COMPLETED, "phase": "DONE"},
        {"cancel_requested_at": "2026-01-01T00:00:00Z"},
        {"time_limit": None},
        {"cpus": 0},
    ],
)
def test_the_database_itself_refuses_an_illegal_state(columns: dict[str, Any]) -> None:
    job = making.queued()
    with pytest.raises(IntegrityError), transaction.atomic():
        Job.objects.filter(pk=job.pk).update(**columns)


def test_the_database_itself_refuses_a_second_unreleased_allocation() -> None:
    job = making.placed()
    (held,) = making.held_by(job)
    held.pk, held.attempt = None, 2
    with pytest.raises(IntegrityError), transaction.atomic():
        held.save()


def test_an_allocation_held_without_right_is_mended_and_one_by_right_is_not() -> None:
    job, running = making.ended(), making.active()
    ResourceAllocation.objects.filter(job=job).update(status=AllocationStatus.RESERVED, released_at=None)
    (stale,), (right,) = making.held_by(job), making.held_by(running)
    assert lifecycle.mend_allocation(stale, "left", actor="recovery")
    assert not lifecycle.mend_allocation(right, "left", actor="recovery")
    assert making.held_by(job) == []
