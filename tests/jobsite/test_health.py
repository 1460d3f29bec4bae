"""Whether the process answers, and whether the platform can take and run jobs, by database and broker."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from celery import current_app
from django.db import OperationalError
from django.test import Client
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from jobs.models import NodeLease
from jobs.models.clock import ClockTimestamp, database_now
from jobsite import health
from scheduler.leader import Leader
from tests import making

pytestmark = pytest.mark.django_db(transaction=True)


def readyz() -> tuple[int, dict[str, Any]]:
    answer = Client().get("/readyz")
    return answer.status_code, answer.json()


@pytest.fixture
def ready(transactional_db: None) -> None:
    """A node whose lease holds, and a scheduler that leads."""
    making.node()
    assert Leader("test", timedelta(minutes=1)).campaign()


def test_the_process_answers_without_looking_at_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_look_at_database", lambda: pytest.fail("it looked"))
    answer = Client().get("/healthz")
    assert (answer.status_code, answer.content, answer["Content-Type"]) == (200, b"ok\n", "text/plain")
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.usefixtures("ready")
def test_a_platform_with_all_its_parts_is_ready() -> None:
    making.queued(name="a private name")
    status, told = readyz()
    assert status == 200, told
    assert (told["ready"], told["missing"], told["nodes"]) == (True, [], 1)
    assert "private" not in str(told)


@pytest.mark.usefixtures("ready")
def test_a_platform_without_a_live_node_is_not_ready() -> None:
    NodeLease.objects.update(lease_until=ClockTimestamp())
    status, told = readyz()
    assert (status, told["missing"], told["nodes"]) == (503, ["nodes"], 0)


@pytest.mark.usefixtures("ready")
def test_a_platform_without_a_leading_scheduler_is_not_ready() -> None:
    leader = Leader("test", timedelta(minutes=1))
    leader.term = 1
    leader.step_down()
    status, told = readyz()
    assert (status, told["missing"]) == (503, ["scheduler"])


@pytest.mark.usefixtures("ready")
def test_a_platform_without_its_broker_is_not_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    real = current_app.connection_for_read
    monkeypatch.setattr(
        current_app,
        "connection_for_read",
        lambda **options: real("redis+socket:///no/such/socket", **options),
    )
    status, told = readyz()
    assert (status, told["missing"]) == (503, ["broker"])


def test_a_platform_without_its_database_says_so_and_what_hangs_on_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def away() -> None:
        raise OperationalError("the password is secret")

    monkeypatch.setattr(health, "database_now", away)
    status, told = readyz()
    assert (status, told["missing"]) == (503, ["database", "nodes", "scheduler"])
    assert "secret" not in str(told)


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A database that takes the question and never answers, until the test is over."""
    over = threading.Event()
    monkeypatch.setattr(health, "database_now", lambda: over.wait(60) and database_now())
    monkeypatch.setattr(health, "PATIENCE", timedelta(seconds=0.2))
    yield
    over.set()


@pytest.mark.usefixtures("hanging")
def test_a_database_that_hangs_costs_a_probe_its_patience_and_no_more() -> None:
    for _ in range(4):
        status, told = readyz()
        assert (status, told["database"]) == (503, False)


@pytest.mark.usefixtures("ready")
@pytest.mark.parametrize(("missed", "stale"), [(1, False), (4, True)])
def test_a_dead_beat_is_stale_and_no_reason_to_be_unready(missed: int, stale: bool, settings: Any) -> None:
    schedule = IntervalSchedule.objects.create(every=30, period=IntervalSchedule.SECONDS)
    sent = database_now() - missed * settings.RECOVER_INTERVAL
    PeriodicTask.objects.create(name="recovery", interval=schedule, task="t", last_run_at=sent)
    status, told = readyz()
    assert (status, told["beat"]["stale"]) == (200, stale)
    assert told["beat"]["age_seconds"] >= missed * settings.RECOVER_INTERVAL.total_seconds()


@pytest.mark.usefixtures("ready")
def test_a_beat_that_never_ran_is_stale() -> None:
    assert readyz()[1]["beat"] == {"age_seconds": None, "stale": True}


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_a_probe_changes_nothing(path: str) -> None:
    assert Client().post(path).status_code == 405
    assert Client().head(path).status_code in (200, 503)
