"""The spool: made once, settled by whoever links first, and honest about what cannot be read."""

import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from jobs.execution.durable import write_durably
from jobs.execution.records import UnreadableFileError
from jobs.execution.spool import Burial, Spool
from tests.jobs.execution import running

TICKET = {"version": 1, "boot_id": "b", "wrapper_pid": 1, "wrapper_ticks": 2, "pid": 3, "start_ticks": 4}
EXIT: dict[str, Any] = {
    "exit_code": 0,
    "exit_signal": None,
    "cause": None,
    "launch_error": None,
    "cpu_seconds": 0.1,
    "max_rss_kb": 900,
    "wall_seconds": 0.2,
}


def test_a_spool_keeps_its_id_however_often_it_is_opened(tmp_path: Path) -> None:
    first = Spool.open(tmp_path / "spool")
    assert Spool.open(tmp_path / "spool").spool_id == first.spool_id
    assert Spool.open(tmp_path / "other").spool_id != first.spool_id


def test_two_who_make_a_spool_at_once_get_the_same_one(tmp_path: Path) -> None:
    seen: list[str] = []
    barrier = threading.Barrier(8)

    def make() -> None:
        barrier.wait()
        seen.append(Spool.open(tmp_path / "spool").spool_id)

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 8
    assert len(set(seen)) == 1


def test_a_spool_is_its_owners_alone(tmp_path: Path) -> None:
    (tmp_path / "spool").mkdir(mode=0o755)
    spool = Spool.open(tmp_path / "spool")
    attempt = running.prepared(spool, "true")
    assert spool.path.stat().st_mode & 0o777 == 0o700
    assert attempt.path.stat().st_mode & 0o777 == 0o700
    assert (attempt.path / "script").stat().st_mode & 0o777 == 0o700
    assert (attempt.path / "request.json").stat().st_mode & 0o777 == 0o600


def test_a_spool_that_was_taken_away_or_exchanged_is_not_intact(tmp_path: Path) -> None:
    spool = Spool.open(tmp_path / "spool")
    assert spool.is_intact()
    spool.path.rename(tmp_path / "elsewhere")
    assert not spool.is_intact()
    Spool.open(tmp_path / "spool")
    assert not spool.is_intact()


def test_a_directory_is_made_once(spool: Spool) -> None:
    assert spool.attempt(1, 1).make()
    assert not spool.attempt(1, 1).make()
    assert spool.attempt(1, 2).make()
    assert {(found.job_id, found.attempt) for found in spool.attempts()} == {(1, 1), (1, 2)}


def test_other_files_in_a_spool_are_no_attempts(spool: Spool) -> None:
    for name in ("1.x", "1", ".1", "lost+found"):
        (spool.path / name).mkdir()
    assert list(spool.attempts()) == []


def test_a_script_is_kept_byte_for_byte(spool: Spool) -> None:
    directory = running.prepared(spool, "#!/bin/sh\r\necho ü\t\n")
    assert (directory.path / "script").read_bytes() == "#!/bin/sh\r\necho ü\t\n".encode()


def test_an_attempt_without_a_ticket_is_buried_once(spool: Spool) -> None:
    attempt = spool.attempt(1, 1)
    attempt.make()
    assert attempt.ticket() is None
    assert attempt.bury() is Burial.WON
    assert attempt.bury() is Burial.ALREADY
    assert running.ticket_of(attempt).is_tombstone


def test_an_attempt_that_has_started_cannot_be_buried(spool: Spool) -> None:
    attempt = spool.attempt(1, 1)
    attempt.make()
    (attempt.path / "ticket").write_text(json.dumps(TICKET))
    assert attempt.bury() is Burial.LOST
    assert not running.ticket_of(attempt).is_tombstone


def test_one_of_many_who_link_a_ticket_at_once_wins(spool: Spool) -> None:
    attempt = spool.attempt(1, 1)
    attempt.make()
    results: list[Burial] = []
    barrier = threading.Barrier(8)

    def bury() -> None:
        barrier.wait()
        results.append(attempt.bury())

    threads = [threading.Thread(target=bury) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(result.name for result in results) == ["ALREADY"] * 7 + ["WON"]


TORN = [b"", b"{", b"\xff\xfe", b"[]", b"null", b"{}", b"[" * 100_000]


@pytest.mark.parametrize("content", TORN)
def test_a_torn_ticket_is_told_and_left_as_it_is(spool: Spool, content: bytes) -> None:
    attempt = spool.attempt(1, 1)
    attempt.make()
    (attempt.path / "ticket").write_bytes(content)
    with pytest.raises(UnreadableFileError, match="ticket cannot be read"):
        attempt.ticket()
    assert attempt.bury() is Burial.LOST  # it is some wrapper's
    assert (attempt.path / "ticket").read_bytes() == content


@pytest.mark.parametrize("content", TORN)
def test_a_torn_exit_is_told_and_counts_for_nothing(spool: Spool, content: bytes) -> None:
    attempt = spool.attempt(1, 1)
    attempt.make()
    assert attempt.outcome() is None
    (attempt.path / "exit.json").write_bytes(content)
    with pytest.raises(UnreadableFileError, match=r"exit\.json cannot be read"):
        attempt.outcome()


@pytest.mark.parametrize(
    "change",
    [
        {"exit_code": "0"},
        {"exit_code": 256},
        {"exit_code": True},
        {"exit_signal": 1.5},
        {"exit_code": None},
        {"cause": "mood"},
        {"launch_error": 2},
        {"cpu_seconds": "1"},
        {"cpu_seconds": float("nan")},
        {"max_rss_kb": None},
    ],
)
def test_an_exit_of_wrong_kinds_counts_for_nothing(spool: Spool, change: dict[str, object]) -> None:
    attempt = spool.attempt(1, 1)
    attempt.make()
    write_durably(attempt.path / "exit.json", json.dumps({**EXIT, **change}).encode())
    with pytest.raises(UnreadableFileError):
        attempt.outcome()


@pytest.mark.parametrize(
    "change",
    [
        {"wrapper_pid": "1"},
        {"pid": None},
        {"start_ticks": 1.5},
        {"boot_id": 1},
        {"pid": 0},
        {"wrapper_pid": -1},
        {"wrapper_pid": 2**22 + 1},
        {"wrapper_ticks": -1},
        {"start_ticks": 2**63},
    ],
)
def test_a_ticket_of_wrong_kinds_names_nobody(spool: Spool, change: dict[str, object]) -> None:
    attempt = spool.attempt(1, 1)
    attempt.make()
    write_durably(attempt.path / "ticket", json.dumps({**TICKET, **change}).encode())
    with pytest.raises(UnreadableFileError):
        attempt.ticket()


def test_a_pipe_or_a_link_in_a_files_place_hangs_nobody(spool: Spool, tmp_path: Path) -> None:
    attempt = spool.attempt(1, 1)
    attempt.make()
    os.mkfifo(attempt.path / "ticket")
    write_durably(tmp_path / "elsewhere", json.dumps(EXIT).encode())
    (attempt.path / "exit.json").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UnreadableFileError):
        attempt.ticket()
    with pytest.raises(UnreadableFileError):
        attempt.outcome()


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    write_durably(tmp_path / "file", b"old")
    with pytest.raises(TypeError):
        write_durably(tmp_path / "file", "no bytes")  # type: ignore[arg-type]
    assert (tmp_path / "file").read_bytes() == b"old"


def test_a_cancel_is_asked_for_once(spool: Spool) -> None:
    attempt = spool.attempt(1, 1)
    attempt.make()
    attempt.ask_cancel()
    before = (attempt.path / "cancel").stat().st_ino
    attempt.ask_cancel()
    assert (attempt.path / "cancel").stat().st_ino == before
