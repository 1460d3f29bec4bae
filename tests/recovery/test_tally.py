"""Counts that never fall: whoever counts, whoever adds up, and whoever looks meanwhile."""

import threading

import pytest
from django.db import connection, connections, transaction

from jobs import lifecycle
from jobs.models import Counter, Job, Tally
from jobs.models import tally as bounds
from recovery.manager import RecoveryManager
from tests import making
from tests.outbox import Outbox

pytestmark = pytest.mark.django_db
COMPLETED, CANCELLED = ("COMPLETED", ""), ("CANCELLED", "Cancelled")


def ended() -> dict[tuple[str, str], int]:
    return Tally.objects.totals(Counter.ENDED)


def test_each_end_is_counted_once_by_its_state_and_reason() -> None:
    making.node(cpus=8)
    job = making.ended()
    making.ended(1)
    assert lifecycle.cancel(making.queued(), actor="ana")
    assert ended() == {COMPLETED: 1, ("FAILED", "NonZeroExitCode"): 1, CANCELLED: 1}
    assert not lifecycle.finish(job, making.ending(), actor="n1")
    assert sum(ended().values()) == 3


def test_an_end_that_is_rolled_back_is_not_counted() -> None:
    job = making.queued()
    with transaction.atomic():
        assert lifecycle.cancel(job, actor="ana")
        transaction.set_rollback(True)
    assert ended() == {}


def test_what_is_counted_stays_counted_when_its_job_is_gone() -> None:
    assert lifecycle.cancel(making.queued(), actor="ana")
    Job.objects.get().events.all().delete()
    Job.objects.all().delete()
    assert ended() == {CANCELLED: 1}


def test_to_add_up_leaves_few_rows_and_the_same_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "FEW", 3)
    for number in range(9):
        Tally.objects.count_one(Counter.ENDED, "FAILED", f"cause {number % 2}")
    Tally.objects.count_one(Counter.SWEPT, "FAILED", "cause 1", 7)
    before = ended()
    Tally.objects.add_up()
    assert (ended(), before) == (before, {("FAILED", "cause 0"): 5, ("FAILED", "cause 1"): 4})
    assert Tally.objects.totals(Counter.SWEPT) == {("FAILED", "cause 1"): 7}
    assert Tally.objects.count() == 3


def test_few_rows_are_left_as_they_are() -> None:
    making.ended()
    before = list(Tally.objects.values_list("pk"))
    Tally.objects.add_up()
    assert list(Tally.objects.values_list("pk")) == before


def test_a_sweep_counts_what_it_did_and_a_dry_run_does_not(broker: object, outbox: Outbox) -> None:
    making.placed()
    RecoveryManager().recover(making.past_grace(), dry_run=True)
    assert Tally.objects.totals(Counter.SWEPT) == {}
    RecoveryManager().recover(making.past_grace())
    assert Tally.objects.totals(Counter.SWEPT) == {("PendingJobRecoveryStrategy", "recovered"): 1}


@pytest.mark.django_db(transaction=True)
def test_who_adds_up_waits_for_nobody_and_nobody_for_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two add up at once, one of them commits later; the count is right before, between and after."""
    monkeypatch.setattr(bounds, "FEW", 1)
    for _ in range(4):
        Tally.objects.count_one(Counter.ENDED, "FAILED", "")
    told: list[dict[tuple[str, str], int]] = []

    def another() -> None:
        try:
            Tally.objects.count_one(Counter.ENDED, "FAILED", "")
            Tally.objects.add_up()
            told.append(ended())
        finally:
            connections.close_all()

    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '1s'")
        Tally.objects.add_up()
        thread = threading.Thread(target=another)
        thread.start()
        thread.join(30)
        told.append(ended())
    told.append(ended())
    assert [list(counts.values()) for counts in told] == [[5], [5], [5]]
