"""Processes with our marker whose attempt does not run here are killed, and nobody else is."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from pytest_django import Settings

from jobs import lifecycle
from jobs.execution.station import Station
from jobs.execution.strays import Strays
from jobs.models import Job
from jobs.states import EventKind
from tests import making
from tests.jobs.execution import running
from tests.jobs.execution.conftest import Process

pytestmark = pytest.mark.django_db

Start = Callable[[str], Process]
LOST = "fedcba9876543210"
"""The id of a spool that this node has had."""


@pytest.fixture(autouse=True)
def no_grace(settings: Settings) -> None:
    settings.STALE_GRACE = timedelta()


def kills(station: Station, process: Process) -> bool:
    """Two sweeps end it."""
    strays = Strays(station)
    strays.sweep()
    strays.sweep()
    return process.poll() is not None


def token_of(station: Station, job: Job) -> str:
    return station.directory_of(job).token


def test_what_an_ended_job_left_is_killed_and_told(station: Station, marked: Start) -> None:
    """F32, F48: found by its marker."""
    job = making.ended()
    process = marked(token_of(station, job))
    assert kills(station, process)
    event = job.events.last()
    assert event is not None
    assert (event.kind, event.evidence) == (EventKind.STRAY_KILLED, {"attempt": 1, "pids": [process.pid]})


def test_what_an_older_attempt_left_is_killed(
    station: Station, marked: Start, claimed: Callable[[], Job]
) -> None:
    job = claimed()
    older = marked(token_of(station, job))
    assert lifecycle.return_unstarted(job, actor="n1")
    again = making.place(job)
    assert lifecycle.start(again, boot_id=station.boot_id, spool_id=station.spool.spool_id, actor="n1")
    present = marked(token_of(station, again))
    assert kills(station, older)
    assert (again.attempt, present.poll()) == (2, None)


@pytest.mark.parametrize("requeue", [True, False])
def test_only_what_is_run_again_elsewhere_is_killed_without_a_grace(
    station: Station, marked: Start, settings: Settings, requeue: bool
) -> None:
    """F64: its machine was paused, so its wrapper has not noticed that it was given up."""
    settings.STALE_GRACE = timedelta(days=1)
    job = running.claimed(station, requeue=requeue)
    older = marked(token_of(station, job))
    assert lifecycle.return_unstarted(job, actor="n1")
    assert kills(station, older) == requeue


def test_what_nobody_has_a_row_of_is_killed(station: Station, marked: Start) -> None:
    """F32: the database does not know the job."""
    assert kills(station, marked(station.spool.attempt(10**9, 1).token))


def test_a_running_jobs_process_is_left_alone(
    station: Station, marked: Start, claimed: Callable[[], Job]
) -> None:
    assert not kills(station, marked(token_of(station, claimed())))


@pytest.mark.parametrize("pair", ["7.1.1", "x.1", "7", "", "7.-1", "٣.1", "9" * 40 + ".1"])
def test_a_marker_that_we_never_gave_is_nobodys(station: Station, marked: Start, pair: str) -> None:
    assert not kills(station, marked(f"{station.spool.spool_id}.{pair}"))


def test_another_spools_process_is_left_alone(station: Station, marked: Start) -> None:
    assert not kills(station, marked("0123456789abcdef.1.1"))


def claimed_with_a_lost_spool(station: Station, marked: Start) -> tuple[Job, Process]:
    """A job of this node that was started from a spool that is gone, and its process."""
    job = making.placed()
    assert lifecycle.start(job, boot_id=station.boot_id, spool_id=LOST, actor="n1")
    return job, marked(f"{LOST}.{job.pk}.{job.attempt}")


def test_what_an_ended_job_left_is_known_though_its_spool_was_lost(station: Station, marked: Start) -> None:
    """F32: the node has a new spool, and has claimed the job with the old one."""
    job, process = claimed_with_a_lost_spool(station, marked)
    assert lifecycle.return_unstarted(job, actor="n1")
    assert kills(station, process)


def test_a_running_jobs_process_is_left_alone_though_its_spool_was_lost(
    station: Station, marked: Start
) -> None:
    _, process = claimed_with_a_lost_spool(station, marked)
    assert not kills(station, process)


def test_one_that_may_just_be_leaving_has_its_grace(
    station: Station, marked: Start, settings: Settings
) -> None:
    settings.STALE_GRACE = timedelta(minutes=1)
    assert not kills(station, marked(token_of(station, making.ended())))
