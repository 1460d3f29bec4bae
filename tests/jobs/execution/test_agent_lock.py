"""One agent per node name and machine, whatever the jobs of its account do to the lock."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from jobs.execution.bootstep import AgentLockedError, _lock


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "agent.lock"


def test_a_second_agent_is_told_whose_the_lock_is(path: Path) -> None:
    """F67: on one machine."""
    held = _lock(path)
    with pytest.raises(AgentLockedError, match=f"pid {os.getpid()}\\. Stop it"):
        _lock(path)
    os.close(held)
    os.close(_lock(path))


def _link(path: Path) -> None:
    path.with_name("precious").write_text("kept")
    path.symlink_to("precious")


@pytest.mark.timeout(10)
@pytest.mark.parametrize("replace", [_link, os.mkfifo, os.mkdir])
def test_what_a_job_has_put_in_its_place_is_neither_followed_nor_waited_for(
    path: Path, replace: Callable[[Path], None]
) -> None:
    replace(path)
    os.close(_lock(path))
    assert path.read_text() == str(os.getpid())
    precious = path.with_name("precious")
    assert not precious.exists() or precious.read_text() == "kept"


def test_a_lock_that_a_job_has_written_into_is_a_lock(path: Path) -> None:
    path.write_bytes(b"\xff\x00" * 99)
    held = _lock(path)
    path.write_bytes(b"\xff" * 9)
    with pytest.raises(AgentLockedError):
        _lock(path)
    os.close(held)
