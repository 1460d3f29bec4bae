"""What tests leave behind is found and ended, also what shows nothing of itself to an ordinary user."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.remains import processes_of, remember
from tests.session import ROOT

ORDINARY = ["unshare", "--user", "--map-user=65534", "--map-group=65534"] if os.geteuid() == 0 else []


@contextmanager
def sleeper(*, alone: bool) -> Iterator[int]:
    """A process that shows nothing of any directory, in a session of its own or in ours; its number."""
    with subprocess.Popen(["sleep", "600"], start_new_session=alone) as process:
        try:
            yield process.pid
        finally:
            process.kill()


def found_in(directory: Path) -> list[int]:
    return sorted(pid for pid, _ in processes_of(directory))


def test_a_closed_process_is_found_by_its_arguments_or_because_it_was_remembered(tmp_path: Path) -> None:
    """Its parent was killed meanwhile, and it is in a session of its own."""
    command = [*ORDINARY, sys.executable, "-m", "tests.closed", str(tmp_path)]
    played = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert played.returncode == 0, played.stderr
    story = json.loads(played.stdout)
    assert story["before"] == [story["named"]]
    assert story["after"] == sorted([story["named"], story["child"]])
    assert story["end"] == -signal.SIGKILL


def test_what_is_remembered_without_a_session_of_its_own_takes_nobody_else_with_it(tmp_path: Path) -> None:
    with sleeper(alone=False) as remembered, sleeper(alone=False):
        remember(remembered, tmp_path)
        assert found_in(tmp_path) == [remembered]


def test_the_directory_above_has_it_too_and_the_one_beside_not(tmp_path: Path) -> None:
    with sleeper(alone=True) as process:
        remember(process, tmp_path / "a")
        assert (found_in(tmp_path), found_in(tmp_path / "b")) == ([process], [])
    assert found_in(tmp_path) == []
