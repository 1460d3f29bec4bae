"""A file of the spool that nobody can read costs its own job its result, and no other job anything."""

import json
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from jobs.execution.settle import settle
from jobs.execution.station import Station
from jobs.models import Job
from jobs.states import Reason, State
from recovery.manager import RecoveryManager

pytestmark = pytest.mark.django_db

GARBAGE = [b"", b"{", b"[]", b"\xff", b'{"exit_code": "a"}']
EXIT = {
    "exit_code": 3,
    "exit_signal": None,
    "cause": None,
    "launch_error": None,
    "cpu_seconds": 0.1,
    "max_rss_kb": 1024,
    "wall_seconds": 0.1,
}
TICKET = {"boot_id": "", "wrapper_pid": 2**22, "wrapper_ticks": 1, "pid": 2**22, "start_ticks": 1}


@pytest.fixture
def launched(station: Station, claimed: Callable[[], Job]) -> Callable[..., Job]:
    """Make a job whose wrapper has come and gone, and left this exit.json."""

    def make(exit_json: bytes | None, ticket: bytes | None = None) -> Job:
        job = claimed()
        directory = station.directory_of(job).path
        plain = json.dumps({**TICKET, "boot_id": station.boot_id}).encode()
        (directory / "ticket").write_bytes(plain if ticket is None else ticket)
        if exit_json is not None:
            (directory / "exit.json").write_bytes(exit_json)
        return job

    return make


@pytest.mark.parametrize("garbage", [*GARBAGE, json.dumps({**EXIT, "exit_code": 256}).encode()])
def test_an_outcome_that_cannot_be_read_counts_as_none(
    station: Station, launched: Callable[..., Job], garbage: bytes
) -> None:
    job = launched(garbage)
    assert settle(job, station)
    job.refresh_from_db()
    assert (job.state, job.reason) == (State.FAILED, Reason.SUPERVISOR_LOST)


@pytest.mark.parametrize("garbage", GARBAGE)
def test_a_ticket_that_cannot_be_read_is_never_taken_for_none(
    station: Station, launched: Callable[..., Job], garbage: bytes
) -> None:
    job = launched(None, garbage)
    assert settle(job, station)
    job.refresh_from_db()
    assert (job.state, job.reason) == (State.FAILED, Reason.SUPERVISOR_LOST)


def test_behind_a_ticket_that_cannot_be_read_the_outcome_counts(
    station: Station, launched: Callable[..., Job]
) -> None:
    job = launched(json.dumps(EXIT).encode(), b"{")
    assert settle(job, station)
    job.refresh_from_db()
    assert job.exit_code == 3


def test_a_job_that_nobody_can_look_at_keeps_no_other_from_its_end(
    station: Station, claimed: Callable[[], Job], launched: Callable[..., Job]
) -> None:
    lost, well = claimed(), launched(json.dumps(EXIT).encode())
    station.directory_of(lost).path.rmdir()
    station.directory_of(lost).path.write_text("no directory")  # to link a tombstone here is an error
    result = RecoveryManager(station).recover()
    well.refresh_from_db()
    assert well.exit_code == 3
    assert result.failed == {"OrphanJobRecoveryStrategy": [lost.pk]}


@contextmanager
def no_descriptors() -> Iterator[None]:
    """This process can open nothing more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_what_may_be_read_the_next_time_is_no_evidence_of_anything(
    station: Station, launched: Callable[..., Job]
) -> None:
    job = launched(json.dumps(EXIT).encode())
    with no_descriptors(), pytest.raises(OSError, match="Too many open files"):
        station.outcome_of(job)


def test_a_spool_that_cannot_be_looked_at_is_not_gone(station: Station) -> None:
    with no_descriptors(), pytest.raises(OSError, match="Too many open files"):
        station.spool.is_intact()
