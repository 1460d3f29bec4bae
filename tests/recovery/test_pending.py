"""PendingJobRecoveryStrategy: a placed job whose message is gone gets another one, and only that one."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import IntegrityError, transaction

from jobs import lifecycle, messages, states
from jobs.messages import BrokerUnreachableError
from jobs.models import Job, Partition
from jobs.models.clock import database_now, from_now
from jobs.states import EventKind, Reason
from recovery.result import Outcome
from recovery.strategies import PendingJobRecoveryStrategy
from recovery.strategies import base as bounds
from tests import making
from tests.outbox import Outbox

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("broker")]


def sweep(*, dry_run: bool = False, later: timedelta = timedelta()) -> dict[int, Outcome]:
    """What one sweep decides, by job, when every grace is over."""
    now = making.past_grace() + later
    return {found.job: found.outcome for found in PendingJobRecoveryStrategy().sweep(now, dry_run=dry_run)}


def test_a_placed_job_without_a_message_is_told_to_its_node_again(outbox: Outbox) -> None:
    """F13, F34: nothing of it is in the broker."""
    job = making.placed()
    assert sweep() == {job.pk: Outcome.RECOVERED}
    assert outbox.pairs() == [(job.pk, 1)]
    assert outbox.sent[0].options["task_id"] == f"job_{job.pk}"


def test_a_placed_job_whose_message_waits_is_left_alone(broker: Any) -> None:
    job = making.placed()
    messages.publish(job.pk, 1, "n1")
    assert sweep() == {job.pk: Outcome.SKIPPED}
    assert broker.llen("node.n1") == 1


def test_the_message_of_another_attempt_or_in_another_queue_is_not_the_jobs(broker: Any) -> None:
    job = making.placed()
    messages.publish(job.pk, 2, "n1")
    messages.publish(job.pk, 1, "n2")
    assert sweep() == {job.pk: Outcome.RECOVERED}
    assert broker.llen("node.n1") == 2


def test_a_message_in_the_queue_of_another_node_that_is_looked_into_too_is_not_the_jobs(broker: Any) -> None:
    strayed = making.placed()
    there = making.queued()
    with transaction.atomic():
        assert lifecycle.place([lifecycle.Placing(there, making.node("n2").pk, ())], database_now())
    messages.publish(strayed.pk, 1, "n2")
    assert sweep() == {strayed.pk: Outcome.RECOVERED, there.pk: Outcome.RECOVERED}


def test_a_job_that_was_told_a_moment_ago_is_not_looked_for() -> None:
    making.placed()
    assert PendingJobRecoveryStrategy().sweep(database_now(), dry_run=False) == []


def test_the_grace_counts_from_the_last_message(outbox: Outbox) -> None:
    job = making.placed()
    sweep()
    assert PendingJobRecoveryStrategy().sweep(database_now(), dry_run=False) == []
    assert sweep(later=settings.DISPATCH_GRACE) == {job.pk: Outcome.RECOVERED}
    assert Job.objects.get().dispatch_seq == 2


def test_a_running_or_ended_job_needs_no_message(outbox: Outbox) -> None:
    making.active()
    making.ended()
    assert sweep() == {}


def test_a_job_without_resources_only_wakes_the_scheduler(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    making.queued()
    woken: list[bool] = []
    monkeypatch.setattr(messages, "wake_scheduler", lambda: woken.append(True))
    assert sweep() == {}
    assert (woken, outbox.sent) == ([True], [])


def test_two_sweeps_at_once_send_one_message(outbox: Outbox) -> None:
    """F23: the other one has lost the number."""
    making.placed()
    first, second = PendingJobRecoveryStrategy(), PendingJobRecoveryStrategy()
    (seen_first,), (seen_second,) = (
        list(first.find(making.past_grace())),
        list(second.find(making.past_grace())),
    )
    assert (first.mend(seen_first), second.mend(seen_second)) == (True, False)
    assert len(outbox.sent) == 1


def test_a_job_claimed_since_it_was_found_is_sent_nothing(outbox: Outbox) -> None:
    job = making.placed()
    strategy = PendingJobRecoveryStrategy()
    (seen,) = list(strategy.find(making.past_grace()))
    assert lifecycle.start(job, boot_id="b", spool_id="s", actor="n1")
    assert not strategy.mend(seen)
    assert outbox.sent == []


def let_wait(job: Job, allowed: timedelta | None, waited: timedelta) -> None:
    Partition.objects.filter(pk=job.partition_id).update(max_pending=allowed)
    Job.objects.filter(pk=job.pk).update(eligible_at=from_now(-waited))


@pytest.mark.parametrize("make", [making.queued, making.placed])
def test_a_job_that_waited_for_longer_than_its_partition_allows_expires(
    make: Callable[[], Job], outbox: Outbox
) -> None:
    job = make()
    let_wait(job, timedelta(hours=1), timedelta(hours=2))
    assert sweep() == {job.pk: Outcome.RECOVERED}
    job.refresh_from_db()
    assert (job.step, job.reason, making.held_by(job)) == (states.FAILED, Reason.EXPIRED, [])
    assert "longer than the 1:00:00" in job.detail
    assert (outbox.sent, sweep()) == ([], {})


@pytest.mark.parametrize(
    ("make", "allowed"),
    [
        (making.queued, None),
        (making.queued, timedelta(hours=3)),
        (making.active, timedelta(hours=1)),
        (lambda: making.queued(hold=True), timedelta(hours=1)),
    ],
)
def test_a_job_that_may_still_wait_or_runs_or_is_held_does_not_expire(
    make: Callable[[], Job], allowed: timedelta | None
) -> None:
    let_wait(make(), allowed, timedelta(hours=2))
    assert sweep() == {}


@pytest.mark.parametrize("allowed", [timedelta(), timedelta(days=366), timedelta(days=10**8)])
def test_no_partition_lets_jobs_wait_for_a_time_with_which_none_could_be_asked_for(
    allowed: timedelta,
) -> None:
    """Added to a moment, the last of them would leave the calendar, and break every sweep."""
    with pytest.raises(IntegrityError, match="partition_max_pending_is_finite"), transaction.atomic():
        Partition.objects.update(max_pending=allowed)


def test_a_placed_job_that_expires_gives_its_place_to_another(outbox: Outbox) -> None:
    making.node(cpus=1)
    job, next_one = making.placed(), making.queued(partition="default")
    let_wait(job, timedelta(hours=1), timedelta(hours=2))
    assert sweep() == {job.pk: Outcome.RECOVERED}
    making.place(next_one)
    (event,) = job.events.filter(kind=EventKind.FINISHED)
    assert (event.actor, event.evidence["reason"]) == ("recovery", Reason.EXPIRED)


def test_a_job_that_is_let_go_after_a_long_hold_has_its_whole_time_to_wait() -> None:
    job = making.queued(hold=True)
    let_wait(job, timedelta(hours=1), timedelta(hours=2))
    job.refresh_from_db()
    assert lifecycle.release(job, actor="ana")
    assert sweep() == {}


def test_a_job_that_was_claimed_as_it_expired_runs(outbox: Outbox) -> None:
    job = making.placed()
    let_wait(job, timedelta(hours=1), timedelta(hours=2))
    strategy = PendingJobRecoveryStrategy()
    (found,) = list(strategy.find(database_now()))
    assert lifecycle.start(job, boot_id="b", spool_id="s", actor="n1")
    assert not strategy.mend(found)
    job.refresh_from_db()
    assert job.step == states.STARTING


def test_a_dry_run_sends_nothing(outbox: Outbox) -> None:
    job = making.placed()
    assert sweep(dry_run=True) == {job.pk: Outcome.RECOVERABLE}
    job.refresh_from_db()
    assert (outbox.sent, job.dispatch_seq, job.step) == ([], 0, states.PLACED)


def test_a_broker_that_takes_nothing_costs_each_job_its_sweep_and_no_more(outbox: Outbox) -> None:
    jobs = [making.placed(), making.placed()]
    outbox.refuse_with(BrokerUnreachableError("away"))
    assert sweep() == dict.fromkeys([job.pk for job in jobs], Outcome.FAILED)


def test_a_broker_that_cannot_be_looked_into_is_sent_nothing(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = making.placed()
    monkeypatch.setattr("recovery.strategies.pending.messages_of", lambda _: None)
    assert sweep() == {job.pk: Outcome.SKIPPED}
    assert outbox.sent == []


def test_f12_jobs_that_are_well_never_keep_the_sick_ones_behind_them_from_being_mended(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F12: at the head of the queue, in every sweep, are those that need nothing."""
    monkeypatch.setattr(bounds, "BATCH", 1)
    making.node(cpus=8)
    well, sick, next_one = making.placed(), making.placed(), making.placed()
    monkeypatch.setattr("recovery.strategies.pending.messages_of", lambda _: {"n1": {(well.pk, 1)}})
    assert sweep() == {well.pk: Outcome.SKIPPED, sick.pk: Outcome.RECOVERED}
    assert sweep() == {well.pk: Outcome.SKIPPED, next_one.pk: Outcome.RECOVERED}


def test_a_sweep_does_not_load_the_scripts() -> None:
    making.placed()
    (found,) = list(PendingJobRecoveryStrategy().find(making.past_grace()))
    assert found.get_deferred_fields() >= {"script", "environment", "arguments"}
