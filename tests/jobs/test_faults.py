"""Fault points: free of any effect unless somebody asks for one, and then exactly one process has it."""

import errno
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs import fault_actions, faults
from jobs.execution import procfs
from jobs.fault_actions import Directory, InjectedFault
from jobs.faults import faultpoint
from tests.session import ROOT

COME_BY = "import sys; sys.path.insert(0, {!r}); from jobs.faults import faultpoint; {}"


@pytest.fixture(autouse=True)
def _nothing_stays_installed() -> Iterator[None]:
    yield
    faults.install(None)


def come_by(directory: Path | None, code: str = "faultpoint('here')") -> subprocess.CompletedProcess[str]:
    """Another process comes by the fault point `here`, told of this directory."""
    environment = {} if directory is None else {"JOBSITE_FAULTS": str(directory)}
    return subprocess.run(
        [sys.executable, "-I", "-S", "-c", COME_BY.format(str(ROOT), code)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_without_a_directory_everybody_comes_by(tmp_path: Path) -> None:
    (tmp_path / "here").write_text("kill")
    assert come_by(None).returncode == 0
    assert (tmp_path / "here").exists()


def test_the_first_to_come_by_is_killed_and_nobody_after(tmp_path: Path) -> None:
    (tmp_path / "here").write_text("kill")
    assert [come_by(tmp_path).returncode for _ in range(2)] == [-9, 0]


def test_every_pass_is_told_with_what_was_done(tmp_path: Path) -> None:
    (tmp_path / "here").write_text("delay 0")
    come_by(tmp_path, "faultpoint('there'); faultpoint('here'); faultpoint('here')")
    told = [line.split(" ", 2) for line in (tmp_path / "hits").read_text().splitlines()]
    assert [(name, action) for name, _, action in told] == [
        ("there", "-"),
        ("here", "delay 0"),
        ("here", "-"),
    ]


@pytest.mark.parametrize(("action", "number"), [("enospc", errno.ENOSPC), ("eio", errno.EIO)])
def test_a_disk_fails_in_the_systems_own_words(tmp_path: Path, action: str, number: int) -> None:
    (tmp_path / "here").write_text(action)
    with pytest.raises(OSError, match="injected at here") as failure:
        Directory(str(tmp_path))("here")
    assert failure.value.errno == number


def test_an_error_that_nobody_expects_is_raised(tmp_path: Path) -> None:
    (tmp_path / "here").write_text("raise\n")
    with pytest.raises(InjectedFault):
        Directory(str(tmp_path))("here")


def test_another_process_is_killed_and_this_one_goes_on(tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "60"]) as victim:
        (tmp_path / "here").write_text(f"kill {victim.pid} {procfs.start_ticks(victim.pid)}")
        Directory(str(tmp_path))("here")
        assert victim.wait(10) == -9


def test_who_has_the_number_of_another_by_now_is_not_killed(tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "60"]) as stranger:
        (tmp_path / "here").write_text(f"kill {stranger.pid} 1")
        Directory(str(tmp_path))("here")
        stranger.terminate()
        assert stranger.wait(10) == -15


def test_a_parent_is_killed_and_its_child_goes_on(tmp_path: Path) -> None:
    (tmp_path / "here").write_text("kill-parent")
    code = "import os, signal\nif os.fork(): signal.pause()\nfaultpoint('here'); print('alive')"
    answer = come_by(tmp_path, code)
    assert (answer.returncode, answer.stdout) == (-9, "alive\n")


def test_an_action_that_is_none_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "here").write_text("explode")
    with pytest.raises(ValueError, match="explode at here is no action"):
        Directory(str(tmp_path))("here")


def test_a_session_is_dropped_by_whoever_has_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dropped: list[bool] = []
    monkeypatch.setattr(fault_actions, "drop_session", lambda: dropped.append(True))
    (tmp_path / "here").write_text("drop-db")
    Directory(str(tmp_path))("here")
    assert dropped == [True]


def test_a_test_may_have_a_function_of_its_own_called() -> None:
    reached: list[str] = []
    faults.install(reached.append)
    faultpoint("here")
    faults.install(None)
    faultpoint("there")
    assert reached == ["here"]


def test_a_clean_environment_is_told_of_faults_only_where_they_are_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert faults.environment() == {}
    monkeypatch.setattr(faults, "directory", "/somewhere")
    assert faults.environment() == {"JOBSITE_FAULTS": "/somewhere"}
