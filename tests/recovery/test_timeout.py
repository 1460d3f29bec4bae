"""TimeoutJobRecoveryStrategy: who is far past its limit is killed, and recorded once nothing of it lives."""

import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import pytest
from django.conf import settings

from jobs import states
from jobs.execution import processes
from jobs.execution.hands import Hands
from jobs.execution.settle import settle_pair
from jobs.execution.station import Station
from jobs.models import Job
from jobs.models.clock import database_now
from jobs.states import Evidence, Reason, State
from recovery.result import Outcome
from recovery.strategies import TimeoutJobRecoveryStrategy
from tests import making
from tests.eventually import eventually
from tests.jobs.execution import running
from tests.remains import processes_of

pytestmark = pytest.mark.django_db


def long_after(job: Job) -> datetime:
    """Its limit, the grace of its partition and ours are over."""
    assert job.limit_at is not None
    return job.limit_at + job.partition.grace + settings.LIMIT_GRACE + making.A_MOMENT


def sweep(station: Station, now: datetime, *, dry_run: bool = False) -> dict[int, Outcome]:
    decisions = TimeoutJobRecoveryStrategy(station).sweep(now, dry_run=dry_run)
    return {decision.job: decision.outcome for decision in decisions}


def frozen(station: Station, script: str = running.WAITS) -> Job:
    """A job whose wrapper does nothing any more."""
    job = running.active(station, script)
    wrapper = running.ticket_of(station.directory_of(job)).wrapper
    assert wrapper is not None
    processes.send(wrapper, signal.SIGSTOP)
    return job


def test_a_job_that_its_wrapper_did_not_end_is_killed_and_then_recorded(station: Station) -> None:
    job = frozen(station)
    assert sweep(station, long_after(job)) == {job.pk: Outcome.RECOVERED}
    job.refresh_from_db()
    assert (job.state, job.reason, job.evidence) == (State.FAILED, Reason.TIME_LIMIT, Evidence.ABSENCE)
    assert running.gone(station, job)
    assert making.held_by(job) == []
    assert sweep(station, long_after(job)) == {}


def test_who_sees_it_die_by_our_hand_does_not_say_why_it_ended(
    station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another thread waits for the wrapper's end, and looks before the killer has written it down."""
    job = frozen(station)
    watched = Station(station.node_name, station.spool, hands=Hands(running.LONG))
    kill = processes.kill_tree

    def seen_by_another(*told: Any, **how: Any) -> bool:
        gone = kill(*told, **how)
        assert not settle_pair(job.pk, job.attempt, watched)
        return gone

    monkeypatch.setattr(processes, "kill_tree", seen_by_another)
    assert sweep(watched, long_after(job)) == {job.pk: Outcome.RECOVERED}
    job.refresh_from_db()
    assert job.reason == Reason.TIME_LIMIT


def test_nothing_of_it_lives_when_it_is_recorded(station: Station) -> None:
    job = frozen(station, "setsid env -i /bin/sh -c 'echo up; exec sleep 600' & wait")
    running.until_said(station.directory_of(job), "up")
    assert sweep(station, long_after(job)) == {job.pk: Outcome.RECOVERED}
    left = [command for _, command in processes_of(station.spool.path.parent)]
    assert left == []


def test_a_job_within_its_limit_or_its_grace_is_left_alone(station: Station) -> None:
    job = frozen(station)
    assert sweep(station, database_now()) == {}
    assert job.limit_at is not None
    assert sweep(station, job.limit_at + settings.LIMIT_GRACE + making.A_MOMENT) == {}


def test_an_end_that_was_written_meanwhile_counts(station: Station) -> None:
    job = running.active(station, "exit 3")
    running.outcome_of(station.directory_of(job))
    assert sweep(station, long_after(job)) == {job.pk: Outcome.RECOVERED}
    job.refresh_from_db()
    assert (job.exit_code, job.evidence) == (3, Evidence.SPOOL)


@contextmanager
def unwritten(station: Station) -> Iterator[Job]:
    """A job whose tree is empty, and whose wrapper cannot write that down while this lasts."""
    job = running.active(station, 'until [ -e "$TMPDIR/go" ]; do sleep 0.02; done; exit 3')
    directory = station.directory_of(job)
    wrapper = running.ticket_of(directory).wrapper
    assert wrapper is not None
    limits = resource.prlimit(wrapper.pid, resource.RLIMIT_FSIZE, (20, resource.RLIM_INFINITY))
    (directory.path / "tmp" / "go").touch()
    eventually(lambda: processes.marked(directory.token) == [wrapper], within=running.LONG)
    yield job
    if processes.is_alive(wrapper):
        resource.prlimit(wrapper.pid, resource.RLIMIT_FSIZE, limits)


def test_a_wrapper_that_cannot_write_the_end_down_yet_is_given_the_time(station: Station) -> None:
    with unwritten(station) as job:
        assert sweep(station, long_after(job)) == {job.pk: Outcome.SKIPPED}
        assert station.directory_of(job).outcome() is None
    running.outcome_of(station.directory_of(job))
    assert sweep(station, long_after(job)) == {job.pk: Outcome.RECOVERED}
    job.refresh_from_db()
    assert (job.exit_code, job.evidence) == (3, Evidence.SPOOL)


def test_a_wrapper_that_can_never_write_the_end_down_is_not_waited_for(
    station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    with unwritten(station) as job:
        assert job.limit_at is not None
        monkeypatch.setattr("jobs.execution.settle.WRITING", database_now() - job.limit_at - making.A_MOMENT)
        assert sweep(station, long_after(job)) == {job.pk: Outcome.RECOVERED}
    job.refresh_from_db()
    assert (job.reason, job.exit_code, job.evidence) == (Reason.TIME_LIMIT, None, Evidence.ABSENCE)


def test_a_frozen_wrapper_without_a_job_is_killed_all_the_same(station: Station) -> None:
    job = frozen(station)
    running.kill(running.ticket_of(station.directory_of(job)).job)
    assert sweep(station, long_after(job)) == {job.pk: Outcome.RECOVERED}
    job.refresh_from_db()
    assert job.state == State.FAILED


def test_a_job_that_cannot_be_killed_is_not_called_ended(
    station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = frozen(station)
    monkeypatch.setattr("jobs.execution.settle.processes.kill_tree", lambda *_, **__: False)
    assert sweep(station, long_after(job)) == {job.pk: Outcome.SKIPPED}
    job.refresh_from_db()
    assert job.step == states.ACTIVE


def test_jobs_of_other_nodes_are_not_touched(station: Station) -> None:
    job = frozen(station)
    assert sweep(Station("n2", station.spool), long_after(job)) == {}


def test_a_dry_run_kills_nobody(station: Station) -> None:
    job = frozen(station)
    assert sweep(station, long_after(job), dry_run=True) == {job.pk: Outcome.RECOVERABLE}
    assert not running.gone(station, job)
