"""The chain: in its order, whatever breaks, answered and kept in the ledger."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection
from pytest_django import Settings

from jobs import messages, states
from jobs.execution.agent import NodeAgent
from jobs.execution.signals import sweep_due
from jobs.execution.spool import Spool
from jobs.execution.station import Station
from jobs.models import Job, ResourceAllocation
from jobs.models.clock import database_now, from_now
from jobs.states import AllocationStatus
from recovery.manager import RecoveryManager
from recovery.models import RecoveryAction, RecoveryRun
from recovery.result import Seen
from recovery.strategies import CompositeRecoveryStrategy, RecoveryStrategy, base
from recovery.tasks import recover
from tests import making
from tests.jobs.execution import running
from tests.outbox import Outbox

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("broker")]
PENDING, ORPHAN = "PendingJobRecoveryStrategy", "OrphanJobRecoveryStrategy"
TIMEOUT, STALE = "TimeoutJobRecoveryStrategy", "StaleAllocationCleanupStrategy"


class Broken(RecoveryStrategy[Job]):
    """It cannot even look."""

    def find(self, now: datetime) -> Iterable[Job]:
        raise RuntimeError(f"broken at {now:%Y}")

    def look(self, sick: Job) -> Seen:
        raise AssertionError(sick)

    def mend(self, sick: Job) -> bool:
        raise AssertionError(sick)

    def pair(self, sick: Job) -> tuple[int, int]:
        return sick.pk, sick.attempt


def hang_up() -> None:
    """What an administrator, or a server that stops, does to our session."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")


class CutOff(Broken):
    """Its session ends while it looks."""

    def find(self, now: datetime) -> Iterable[Job]:
        hang_up()
        return super().find(now)


class Clumsy(RecoveryStrategy[Job]):
    """It breaks on the first of its jobs."""

    def find(self, now: datetime) -> Iterable[Job]:
        return Job.objects.filter(submitted_at__lt=now).order_by("pk")

    def look(self, sick: Job) -> Seen:
        return Seen({"name": sick.name}, "nothing much")

    def mend(self, sick: Job) -> bool:
        if sick == Job.objects.order_by("pk").first():
            self.stumble()
        return True

    def stumble(self) -> None:
        raise TypeError("of all things")

    def pair(self, sick: Job) -> tuple[int, int]:
        return sick.pk, sick.attempt


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether agents were asked to sweep, and whether only to rehearse."""
    told: list[bool] = []
    monkeypatch.setattr(messages, "ask_recovery", lambda *, dry_run=False: told.append(dry_run))
    monkeypatch.setattr(messages, "remind_agents", lambda: told.append(False))
    return told


def trouble(station: Station) -> tuple[Job, Job, Job]:
    """A lost message, a job that never started, and resources left taken; each for one strategy."""
    making.node(cpus=8)
    lost, unstarted, ended = making.placed(), running.claimed(station), making.ended()
    taken = ResourceAllocation.objects.filter(job=ended)
    taken.update(status=AllocationStatus.ALLOCATED, released_at=None)
    return lost, unstarted, ended


def test_the_chain_is_in_its_order(station: Station) -> None:
    names = [strategy.name for strategy in RecoveryManager(station).strategies()]
    assert names == [PENDING, ORPHAN, TIMEOUT, STALE]
    assert [strategy.name for strategy in RecoveryManager().strategies()] == [PENDING, ORPHAN, STALE]


def test_one_sweep_mends_all_and_answers_which_by_whom_and_how_long_it_took(
    station: Station, outbox: Outbox
) -> None:
    lost, unstarted, ended = trouble(station)
    result = RecoveryManager(station).recover(making.past_grace())
    assert result.recovered == {PENDING: [lost.pk], ORPHAN: [unstarted.pk], STALE: [ended.pk]}
    assert (result.skipped, result.failed, result.broken) == ({}, {}, {})
    assert timedelta() < result.duration < timedelta(minutes=1)
    assert str(result).startswith("3 recovered, 0 skipped, 0 failed in ")


def test_a_sweep_that_did_something_is_in_the_ledger_with_each_decision(
    station: Station, outbox: Outbox
) -> None:
    lost, unstarted, ended = trouble(station)
    result = RecoveryManager(station).recover(making.past_grace())
    run = RecoveryRun.objects.get()
    assert (run.trigger, run.node, run.dry_run) == ("timer", "n1", False)
    assert (run.recovered, run.skipped, run.failed, run.duration) == (3, 0, 0, result.duration)
    assert run.started_at == result.started_at
    kept = run.actions.values_list("strategy", "job", "attempt", "outcome")
    assert list(kept) == [
        (PENDING, lost.pk, 1, "recovered"),
        (ORPHAN, unstarted.pk, 1, "recovered"),
        (STALE, ended.pk, 1, "recovered"),
    ]
    assert all(RecoveryAction.objects.values_list("found", flat=True))
    told = run.actions.values_list(
        "action", "evidence__message_waits", "evidence__ticket", "evidence__status"
    )
    assert list(told) == [
        ("T4: send its message again", False, None, None),
        ("T16: link the tombstone, queue it again", None, "none", None),
        ("release", None, None, "ALLOCATED"),
    ]


def test_a_second_sweep_finds_nothing_and_leaves_no_line(station: Station, outbox: Outbox) -> None:
    trouble(station)
    now = database_now()  # however slow the machine is, the grace after the first sweep is not over at it
    RecoveryManager(station).recover(making.past_grace())
    assert RecoveryManager(station).recover(now).decisions == []
    assert RecoveryRun.objects.count() == 1


def test_a_worker_that_starts_recovers_and_says_so_even_when_all_is_well(station: Station) -> None:
    result = RecoveryManager(station).recover_on_startup()
    assert result.decisions == []
    assert RecoveryRun.objects.get().trigger == "startup"


def test_a_worker_that_starts_mends_what_it_finds(station: Station, outbox: Outbox) -> None:
    lost, *_ = trouble(station)
    assert RecoveryManager(station).recover_on_startup(making.past_grace()).recovered[PENDING] == [lost.pk]


def test_a_worker_that_starts_mends_also_what_is_more_than_one_sweep_treats(
    station: Station, outbox: Outbox, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    monkeypatch.setattr(base, "BATCH", 2)
    settings.DISPATCH_GRACE = timedelta(minutes=10)
    making.node(cpus=8)
    lost = [making.placed().pk for _ in range(5)]
    Job.objects.placed().update(placed_at=from_now(-timedelta(hours=1)))
    assert sorted(RecoveryManager(station).recover_on_startup().recovered[PENDING]) == lost
    assert sorted(pair[0] for pair in outbox.pairs()) == lost
    assert list(RecoveryRun.objects.order_by("pk").values_list("recovered", flat=True)) == [2, 2, 1]


def test_what_fails_is_left_to_the_timer_by_a_worker_that_starts(
    station: Station, outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base, "BATCH", 1)
    lost = [making.placed().pk for _ in range(2)]
    outbox.refuse_with(messages.BrokerUnreachableError("away"))
    assert RecoveryManager(station).recover_on_startup(making.past_grace()).failed == {PENDING: lost[:1]}


def test_a_broken_strategy_stops_none_after_it_and_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    making.placed()
    chain = CompositeRecoveryStrategy([Broken(), *RecoveryManager().strategies()])
    result = chain.run(making.past_grace(), dry_run=True)
    assert result.broken == {"Broken": f"RuntimeError('broken at {database_now():%Y}')"}
    assert len(result.decisions) == 1
    monkeypatch.setattr(RecoveryManager, "strategies", lambda _: [Broken()])
    RecoveryManager().recover()
    assert RecoveryRun.objects.get().failed == 1


def test_one_job_on_which_a_strategy_breaks_stops_none_after_it() -> None:
    first, second = making.queued(), making.queued()
    result = CompositeRecoveryStrategy([Clumsy()]).run(database_now())
    assert (result.failed, result.recovered) == ({"Clumsy": [first.pk]}, {"Clumsy": [second.pk]})
    assert result.decisions[0].detail == "of all things"


class CutOffOnce(Clumsy):
    """Its session ends while it mends the first of its jobs."""

    def stumble(self) -> None:
        hang_up()


@pytest.mark.django_db(transaction=True)
def test_a_session_that_ends_under_one_strategy_is_replaced_for_the_next() -> None:
    job = making.placed()
    chain = CompositeRecoveryStrategy([CutOff(), *RecoveryManager().strategies()])
    result = chain.run(making.past_grace(), dry_run=True)
    assert list(result.broken) == ["CutOff"]
    assert result.recoverable == {PENDING: [job.pk]}


@pytest.mark.django_db(transaction=True)
def test_a_session_that_ends_under_one_job_is_replaced_for_the_next() -> None:
    first, second = making.queued(), making.queued()
    result = CompositeRecoveryStrategy([CutOffOnce()]).run(database_now())
    assert (result.failed, result.recovered) == ({"CutOffOnce": [first.pk]}, {"CutOffOnce": [second.pk]})


def test_a_database_that_goes_away_under_one_strategy_does_not_poison_the_next(
    station: Station, outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost, _, ended = trouble(station)

    def away(*_: object, **__: object) -> bool:
        raise DatabaseError("away")

    monkeypatch.setattr("jobs.lifecycle.return_unstarted", away)
    result = RecoveryManager(station).recover(making.past_grace())
    assert result.recovered == {PENDING: [lost.pk], STALE: [ended.pk]}
    assert list(result.failed) == [ORPHAN]


def test_beats_task_mends_what_belongs_to_no_node_and_asks_every_agent(
    outbox: Outbox, asked: list[bool]
) -> None:
    making.placed()
    Job.objects.update(placed_at=from_now(-timedelta(hours=1)), submitted_at=from_now(-timedelta(hours=2)))
    recover()
    assert len(outbox.sent) == 1
    assert asked == [False]
    assert RecoveryRun.objects.get().node == ""


@pytest.mark.parametrize(
    ("verb", "kept"), [("sweep", []), ("recover", [("operator", False)]), ("rehearse", [("operator", True)])]
)
def test_beats_reminder_to_a_well_node_leaves_no_line_and_an_operators_wish_does(
    spool: Spool, verb: str, kept: list[tuple[str, bool]]
) -> None:
    making.node()
    agent = NodeAgent("n1", spool, leave=pytest.fail)
    agent._obey(verb)
    assert agent.sweeps.one()
    assert list(RecoveryRun.objects.values_list("trigger", "dry_run")) == kept


def test_the_agents_timer_sweeps_its_own_node(station: Station) -> None:
    job = running.claimed(station)
    sweep_due.send(sender=object, station=station, trigger="timer", dry_run=False)
    job.refresh_from_db()
    assert job.step == states.QUEUED


def test_the_command_mends_and_says_what_it_did(
    outbox: Outbox, asked: list[bool], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    job = making.placed()
    monkeypatch.setattr("recovery.manager.database_now", making.past_grace)
    call_command("recover")
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == f"job {job.pk}.1 recovered by {PENDING}"
    assert printed[1].startswith("1 recovered, 0 skipped, 0 failed in ")
    assert (len(outbox.sent), asked) == (1, [False])


def test_the_commands_dry_run_says_what_it_would_do_and_does_not(
    outbox: Outbox, asked: list[bool], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    job = making.placed()
    monkeypatch.setattr("recovery.manager.database_now", making.past_grace)
    call_command("recover", "--dry-run")
    printed: Any = capsys.readouterr().out
    assert f"job {job.pk}.1 recoverable by {PENDING}: dry run: nothing was changed" in printed
    assert printed.rstrip().endswith("(dry run: nothing was changed)")
    assert (outbox.sent, asked) == ([], [True])
    assert RecoveryRun.objects.get().dry_run
