"""Above a threshold of recovered jobs somebody is told, once, until that is over or was seen."""

import logging
from datetime import datetime, timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from jobs.models.clock import database_now
from recovery import alert
from recovery.manager import RecoveryManager
from recovery.models import RecoveryAlert, RecoveryRun
from tests import making
from tests.jobs.admin.conftest import operator, superuser, viewer
from tests.outbox import Outbox
from tests.web import text_of

__all__ = ["operator", "superuser", "viewer"]

pytestmark = pytest.mark.django_db
A_MINUTE, AN_HOUR = timedelta(minutes=1), timedelta(hours=1)
MUCH = "something breaks much here"


@pytest.fixture(autouse=True)
def _threshold(settings: Settings) -> None:
    settings.RECOVERY_ALERT_JOBS = 3


@pytest.fixture
def now() -> datetime:
    return database_now()


def recovered(number: int, at: datetime, *, dry_run: bool = False) -> None:
    """A sweep that mended so many, and whoever looks then."""
    RecoveryRun.objects.create(
        started_at=at, duration=timedelta(), trigger="timer", recovered=number, dry_run=dry_run
    )
    alert.look(at)


def front_page(client: Client) -> str:
    return text_of(client.get(reverse("admin:index")))


def test_as_many_as_the_threshold_are_no_news(now: datetime) -> None:
    recovered(2, now - A_MINUTE)
    recovered(1, now)
    assert alert.unseen() == ""


def test_more_than_the_threshold_within_the_hour_are_told_once_in_the_log(
    now: datetime, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        recovered(2, now - A_MINUTE)
        recovered(2, now)
        recovered(5, now + A_MINUTE)
    (line,) = caplog.records
    assert (line.levelname, line.getMessage()[:42]) == ("ERROR", "4 jobs were recovered within 1 h, more tha")
    assert RecoveryAlert.objects.get().recovered == 9


def test_what_lies_an_hour_back_and_what_a_dry_run_found_do_not_count(now: datetime) -> None:
    recovered(3, now - AN_HOUR - A_MINUTE)
    recovered(9, now, dry_run=True)
    recovered(3, now)
    assert alert.unseen() == ""


def test_it_is_over_when_no_more_are_recovered_and_may_be_raised_again(
    now: datetime, caplog: pytest.LogCaptureFixture
) -> None:
    recovered(4, now)
    alert.look(now + AN_HOUR + A_MINUTE)
    assert alert.unseen() == ""
    recovered(5, now + 2 * AN_HOUR)
    assert MUCH in alert.unseen()
    assert [one.recovered for one in RecoveryAlert.objects.order_by("pk")] == [4, 5]
    assert "the alert is over" in caplog.text


def test_every_sweep_looks_and_a_dry_run_does_not(
    now: datetime, broker: object, outbox: Outbox, settings: Settings
) -> None:
    settings.RECOVERY_ALERT_JOBS = 1
    making.node(cpus=8)
    for _ in range(2):
        making.placed()
    RecoveryManager().recover(making.past_grace(), dry_run=True)
    assert not RecoveryAlert.objects.exists()
    RecoveryManager().recover(making.past_grace())
    assert RecoveryAlert.objects.get().recovered == 2


def test_two_that_raise_it_at_once_raise_one(now: datetime) -> None:
    recovered(4, now)
    assert not alert._raise(4)
    assert RecoveryAlert.objects.count() == 1


def test_the_admin_shows_it_on_every_page_until_an_operator_saw_it(now: datetime, operator: Client) -> None:
    assert MUCH not in front_page(operator)
    recovered(4, now)
    assert "4 jobs were recovered within 1 h, more than 3" in front_page(operator)
    assert MUCH in text_of(operator.get(reverse("admin:jobs_job_changelist")))
    operator.post(reverse("admin:recovery_seen"))
    assert MUCH not in front_page(operator)
    assert RecoveryAlert.objects.get().seen_by == "olga"
    assert LogEntry.objects.get().change_message == "Has seen it."
    recovered(5, now + A_MINUTE)
    assert MUCH not in front_page(operator)


def test_only_an_operator_says_that_it_was_seen_and_no_link_does(
    now: datetime, viewer: Client, operator: Client
) -> None:
    recovered(4, now)
    assert MUCH in front_page(viewer)
    assert "I have seen it" not in front_page(viewer)
    assert viewer.post(reverse("admin:recovery_seen")).status_code == 403
    assert operator.get(reverse("admin:recovery_seen")).status_code == 405
    assert MUCH in front_page(operator)
