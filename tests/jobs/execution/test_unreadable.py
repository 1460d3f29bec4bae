"""A file of the spool that nobody can read costs its own job its result, and no other job anything."""

import json
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from jobs import lifecycle
from jobs.execution import late_results
from jobs.execution.records import Outcome
from jobs.execution.settle import settle
from jobs.execution.station import Station
from jobs.models import Job
from jobs.states import EventKind, Evidence, Reason, State
from recovery.manager import RecoveryManager
from tests.powerless import powerless

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
GONE = lifecycle.Identities(2**22, 1, 2**22, 1)
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


ODD: list[dict[str, object]] = [{"exit_code": 256}, {"cpu_seconds": 10**400}, {"wall_seconds": 1e308}]
ODD += [{"exit_code": None, "launch_error": words} for words in ("\0", "\ud800", "a" * 9000)]


@pytest.mark.parametrize("garbage", [*GARBAGE, *(json.dumps({**EXIT, **odd}).encode() for odd in ODD)])
def test_an_outcome_that_cannot_be_read_counts_as_none(
    station: Station, launched: Callable[..., Job], garbage: bytes
) -> None:
    job = launched(garbage)
    assert settle(job, station)
    job.refresh_from_db()
    assert (job.state, job.reason) == (State.FAILED, Reason.SUPERVISOR_LOST)


@pytest.mark.parametrize(
    "odd",
    [
        {"peak_mb": 10**400},
        {"peak_mb": 1e308},
        {"usage": [[0, 10**400, 1]]},
        {"cause": "memory", "measured": [10**400, 1]},
        {"last_words": "no \0 text"},
        {"last_words": "\ud800"},
    ],
)
def test_what_an_outcome_tells_besides_is_left_out_where_it_is_odd_and_the_end_is_recorded(
    station: Station, launched: Callable[..., Job], odd: dict[str, object]
) -> None:
    job = launched(json.dumps({**EXIT, **odd}).encode())
    assert settle(job, station)
    job.refresh_from_db()
    assert (job.exit_code, job.max_rss_mb, job.last_words) == (3, 1.0, "")


@pytest.mark.parametrize("note", [1, "\0", "\ud800", "a" * 9000])
def test_a_ticket_whose_note_nobody_can_write_down_is_some_wrappers(
    station: Station, launched: Callable[..., Job], note: object
) -> None:
    job = launched(None, json.dumps({**TICKET, "boot_id": station.boot_id, "note": note}).encode())
    ticket = station.ticket_of(job)
    assert ticket is not None
    assert (ticket.legible, ticket.is_tombstone) == (False, False)


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


class Odd(Station):
    """A node's view of jobs, one of which has left something there that nobody has thought of."""

    odd = 0

    def outcome_of(self, job: Job) -> Outcome | None:
        if job.pk == self.odd:
            raise OverflowError
        return super().outcome_of(job)


def test_whatever_a_job_has_left_there_keeps_no_other_from_its_end(
    station: Station, launched: Callable[..., Job]
) -> None:
    lost, well = (launched(json.dumps(EXIT).encode()) for _ in range(2))
    odd = Odd(station.node_name, station.spool)
    odd.odd = lost.pk
    for job in (lost, well):
        assert lifecycle.activate(job, GONE, note="", actor="n1")
    result = RecoveryManager(odd).recover()
    well.refresh_from_db()
    assert well.exit_code == 3
    assert result.failed == {"OrphanJobRecoveryStrategy": [lost.pk]}


def test_the_end_in_a_directory_that_its_job_has_closed_is_recorded(
    station: Station, launched: Callable[..., Job]
) -> None:
    job = launched(json.dumps(EXIT).encode())
    station.directory_of(job).path.chmod(0)
    with powerless():
        assert settle(job, station)
    job.refresh_from_db()
    assert job.exit_code == 3


@pytest.mark.parametrize("closes", ["exit.json", "a directory in its place"])
def test_what_a_job_has_closed_for_good_counts_as_none(
    station: Station, launched: Callable[..., Job], tmp_path: Path, closes: str
) -> None:
    job = launched(json.dumps(EXIT).encode())
    directory = station.directory_of(job).path
    if closes == "exit.json":
        (directory / closes).chmod(0)
    else:
        (tmp_path / "closed").mkdir(mode=0)
        directory.rename(tmp_path / "moved")
        directory.symlink_to(tmp_path / "closed")
    with powerless():
        assert settle(job, station)
    job.refresh_from_db()
    assert job.reason == Reason.SUPERVISOR_LOST
    if closes != "exit.json":
        assert (tmp_path / "closed").stat().st_mode & 0o777 == 0
        (tmp_path / "closed").chmod(0o700)


def test_a_spool_that_somebody_has_closed_is_no_evidence_of_anything(
    station: Station, launched: Callable[..., Job]
) -> None:
    job = launched(json.dumps(EXIT).encode())
    station.spool.path.chmod(0)
    with powerless(), pytest.raises(PermissionError):
        settle(job, station)
    station.spool.path.chmod(0o700)
    assert settle(job, station)
    job.refresh_from_db()
    assert job.exit_code == 3


def test_a_late_result_in_a_directory_that_its_job_has_closed_is_told_once(
    station: Station, launched: Callable[..., Job]
) -> None:
    job = launched(json.dumps(EXIT).encode())
    assert lifecycle.lose(job, Reason.NODE_FAIL, "lost", evidence=Evidence.NONE, actor="op")
    for _ in range(2):
        station.directory_of(job).path.chmod(0)
        with powerless():
            late_results.tell_all(station)
    assert job.events.filter(kind=EventKind.LATE_RESULT).count() == 1


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
