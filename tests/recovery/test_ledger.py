"""The ledger tells each trouble once in an hour, and forgets what is long over."""

from collections.abc import Iterable
from datetime import datetime, timedelta

import pytest
from django.conf import settings

from jobs.models import Job
from recovery import ledger
from recovery.manager import RecoveryManager
from recovery.models import RecoveryAction, RecoveryRun
from recovery.result import Decision, Outcome, RecoveryResult, Seen
from recovery.strategies import RecoveryStrategy
from tests import making

pytestmark = pytest.mark.django_db
A_MOMENT, AN_HOUR = timedelta(seconds=10), timedelta(hours=1, seconds=1)


class Hopeless(RecoveryStrategy[Job]):
    """It fails at every job, each time."""

    def find(self, now: datetime) -> Iterable[Job]:
        return Job.objects.filter(submitted_at__lt=now).order_by("pk")

    def look(self, sick: Job) -> Seen:
        return Seen({"job": sick.pk})

    def mend(self, sick: Job) -> bool:
        raise TypeError(f"job {sick.pk}, of all jobs")

    def pair(self, sick: Job) -> tuple[int, int]:
        return sick.pk, sick.attempt


@pytest.fixture(autouse=True)
def _hopeless(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RecoveryManager, "strategies", lambda _: [Hopeless()])


def told_at(now: datetime) -> int:
    """How many sweeps are in the ledger after one at this moment."""
    RecoveryManager().recover(now)
    return RecoveryRun.objects.count()


def test_a_failure_that_stays_is_told_once_in_an_hour() -> None:
    making.queued()
    now = making.past_grace()
    assert [told_at(now), told_at(now + A_MOMENT), told_at(now + AN_HOUR)] == [1, 1, 2]


def test_another_failure_is_told_at_once() -> None:
    making.queued()
    now = making.past_grace()
    first = told_at(now)
    making.queued()
    assert (first, told_at(now + A_MOMENT)) == (1, 2)
    assert RecoveryAction.objects.count() == 3


def test_the_same_number_of_failures_at_other_jobs_is_told_at_once() -> None:
    first, second = making.queued(), making.queued()
    now = making.past_grace()
    results = [
        RecoveryResult(
            started_at=now,
            decisions=[
                Decision(strategy="X", job=job.pk, attempt=0, found="ill", outcome=Outcome.FAILED),
            ],
        )
        for job in (first, second)
    ]
    ledger.keep(results[0], trigger="timer", node="")
    assert [ledger.repeats(result, node="") for result in results] == [True, False]
    assert not ledger.repeats(results[0], node="n1")


def test_what_a_person_asks_for_is_told_each_time() -> None:
    making.queued()
    for _ in range(2):
        RecoveryManager().recover(making.past_grace(), trigger="command")
    assert RecoveryRun.objects.count() == 2


def test_a_sweep_that_is_long_over_is_forgotten_with_its_decisions() -> None:
    making.queued()
    now = making.past_grace()
    told_at(now)
    old = RecoveryRun.objects.get()
    assert told_at(now + settings.LEDGER_RETENTION - A_MOMENT) == 2
    assert told_at(now + settings.LEDGER_RETENTION + AN_HOUR) == 2
    assert not RecoveryAction.objects.filter(run=old).exists()
