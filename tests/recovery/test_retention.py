"""What is over is let go of, as the settings say, a batch at each beat; what lives is not."""

from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.core.management import call_command
from pytest_django import Settings

from jobs import fleet
from jobs.models import Job, Node, NodeEvent
from jobs.models.clock import database_now, from_now
from jobs.states import Service
from recovery import retention
from recovery.models import RecoveryRun
from recovery.tasks import recover
from tests import making
from tests.outbox import Outbox

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("broker")]
A_DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def one_of_each() -> None:
    """A job that ended, an event of a node, a sweep in the ledger, a session: all of this moment."""
    making.ended()
    for wish in (Service.DRAIN, Service.UP):
        assert fleet.ask_for(Node.objects.get(), wish, "disk", actor="op")
    RecoveryRun.objects.create(duration=timedelta(), trigger="startup")
    Session.objects.create(session_key="k", session_data="", expire_date=database_now() + A_DAY)


def counts() -> list[int]:
    return [model.objects.count() for model in (Job, NodeEvent, RecoveryRun, Session)]


def test_each_kind_is_kept_as_long_as_its_setting_says(settings: Settings) -> None:
    settings.JOB_RETENTION, settings.NODE_EVENT_RETENTION, settings.LEDGER_RETENTION = (
        4 * A_DAY,
        3 * A_DAY,
        2 * A_DAY,
    )
    events = NodeEvent.objects.count()
    seen = []
    for days in range(6):
        retention.keep_house(database_now() + days * A_DAY + making.A_MOMENT)
        seen.append(counts())
    assert seen == [
        [1, events, 1, 1],
        [1, events, 1, 0],
        [1, events, 0, 0],
        [1, 0, 0, 0],
        [0, 0, 0, 0],
        [0, 0, 0, 0],
    ]


def test_for_ever_is_for_ever(settings: Settings) -> None:
    settings.JOB_RETENTION = settings.NODE_EVENT_RETENTION = settings.LEDGER_RETENTION = None
    Session.objects.all().delete()
    before = counts()
    retention.keep_house(database_now() + 5000 * A_DAY)
    assert counts() == before


def test_jobs_are_kept_for_ever_where_nobody_has_said_for_how_long() -> None:
    retention.keep_house(database_now() + 5000 * A_DAY)
    assert Job.objects.count() == 1


def test_a_clock_that_was_set_back_lets_nothing_go(settings: Settings) -> None:
    settings.JOB_RETENTION = settings.NODE_EVENT_RETENTION = settings.LEDGER_RETENTION = A_DAY
    before = counts()
    retention.keep_house(database_now() - 5000 * A_DAY)
    assert counts() == before


def test_one_kind_that_breaks_keeps_none_of_the_others(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_: object) -> None:
        raise RuntimeError("of all things")

    monkeypatch.setattr(retention, "KINDS", (broken, *retention.KINDS))
    retention.keep_house(database_now() + 2 * A_DAY)
    assert not Session.objects.exists()
    assert "broken: nothing was let go of" in caplog.text


def test_a_batch_is_bounded(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "AT_ONCE", 1)
    settings.JOB_RETENTION = A_DAY
    making.ended()
    left = []
    for _ in range(3):
        retention.keep_house(database_now() + 2 * A_DAY)
        left.append(Job.objects.count())
    assert left == [1, 0, 0]


def test_beat_lets_go_of_what_is_over(outbox: Outbox, settings: Settings) -> None:
    settings.JOB_RETENTION = A_DAY
    young = making.ended()
    Job.objects.exclude(pk=young.pk).update(
        ended_at=from_now(-2 * A_DAY), started_at=None, placed_at=None, submitted_at=from_now(-3 * A_DAY)
    )
    recover()
    assert Job.objects.get() == young
    call_command("check")
