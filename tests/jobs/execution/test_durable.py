"""What must outlast a power cut is on the disk before anybody builds on it; nobody's file is taken for ours.

No test here can cut the power. What it can see is what the kernel is asked for, and in which order.
"""

import os
import secrets
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jobs.execution.attempt import Attempt
from jobs.execution.durable import make_once, write_durably
from jobs.execution.exit_file import ExitFile, write_new
from jobs.execution.spool import Burial, Spool
from tests.jobs.execution import running

Asked = list[str]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    """What the kernel was asked for, in its order: fsync of a file or a directory, and new names."""
    asked: Asked = []

    def noted(word: Callable[..., str], real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            asked.append(word(*args))
            return real(*args, **options)

        return call

    monkeypatch.setattr(os, "fsync", noted(kind_of, os.fsync))
    for name in ("link", "rename", "replace"):
        monkeypatch.setattr(os, name, noted(lambda *_: "name", getattr(os, name)))
    return asked


def kind_of(descriptor: int) -> str:
    return "directory" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file"


def test_a_file_is_on_the_disk_before_it_has_its_name_and_its_name_after_that(
    tmp_path: Path, asked: Asked
) -> None:
    write_durably(tmp_path / "some", b"content")
    assert asked == ["file", "name", "directory"]


def test_a_file_that_is_made_once_is_whole_before_it_has_its_name(tmp_path: Path, asked: Asked) -> None:
    make_once(tmp_path / "some", b"content")
    assert asked == ["file", "name", "directory", "name", "directory"]
    make_once(tmp_path / "some", b"another")
    assert (tmp_path / "some").read_bytes() == b"content"


def test_who_makes_a_file_a_moment_later_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both have seen that it is not there."""
    (tmp_path / "some").write_bytes(b"first")
    monkeypatch.setattr(Path, "exists", lambda _: False)
    make_once(tmp_path / "some", b"second")
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"first"]


@pytest.mark.parametrize("there", [b"", b"theirs"])
def test_a_temporary_file_that_is_there_already_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: bytes
) -> None:
    monkeypatch.setattr(secrets, "token_hex", lambda _: "guessed")
    (tmp_path / ".some.guessed").write_bytes(there)
    with pytest.raises(FileExistsError):
        write_durably(tmp_path / "some", b"content")
    assert (tmp_path / ".some.guessed").read_bytes() == there


def test_a_name_that_a_job_has_guessed_is_not_taken_for_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A link there would lead the wrapper to write into any file of its account."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(time, "monotonic_ns", lambda: 1)
    guessed = tmp_path / f".new.{os.getpid()}.1"
    guessed.symlink_to(tmp_path / "precious")
    with pytest.raises(FileExistsError):
        write_new(b"content")
    assert not (tmp_path / "precious").exists()


def test_an_attempts_directory_and_its_burial_are_on_the_disk(spool: Spool, asked: Asked) -> None:
    directory = spool.attempt(1, 1)
    assert directory.make()
    assert asked == ["directory"]
    assert directory.bury() is Burial.WON
    assert asked == ["directory", "name", "directory"]


def test_the_ticket_is_on_the_disk_before_the_job_is_let_go(
    spool: Spool, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = running.prepared(spool, "true")
    monkeypatch.chdir(directory.path)
    attempt = Attempt({"arguments": []})
    attempt.child = os.getpid()
    attempt._prepare()
    asked.clear()
    assert (attempt._link_ticket(), attempt._why_not_durable()) == ("", "")
    assert asked == ["file", "name", "directory"]
    for descriptor in (attempt.output, attempt.exit_file.directory, attempt.exit_file.reserved[1]):
        os.close(descriptor)


def test_how_a_job_ended_is_on_the_disk_before_it_has_its_name(
    tmp_path: Path, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file = ExitFile()
    file.reserve()
    file.record(b"{}")
    assert asked == ["file", "name", "directory"]
    assert (tmp_path / "exit.json").read_bytes() == b"{}"
    for descriptor in (file.directory, file.reserved[1]):
        os.close(descriptor)
