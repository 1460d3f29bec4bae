"""A wrapper whose disk fails at a named place: what is told of its job is what became of it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jobs import faults
from jobs.execution import launcher
from jobs.execution.launcher import Refused
from jobs.execution.spool import Spool
from tests.jobs.execution import running

Arm = Callable[[str, str], int]


@pytest.fixture
def arm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Arm]:
    """Say what the next wrapper meets at a fault point."""
    directory = tmp_path / "faults"
    directory.mkdir()
    monkeypatch.setattr(faults, "directory", str(directory))
    launcher.stop()  # the next one is told of it
    yield lambda point, action: (directory / point).write_text(action)
    launcher.stop()


@pytest.mark.parametrize("point", ["ticket.after_create", "ticket.after_fsync"])
@pytest.mark.parametrize(("action", "words"), [("enospc", "No space left"), ("eio", "Input/output error")])
def test_a_job_whose_ticket_may_not_last_is_not_started_and_says_so(
    spool: Spool, arm: Arm, point: str, action: str, words: str
) -> None:
    """F29: a power cut could take the ticket away, and the job would be started once more."""
    arm(point, action)
    outcome = running.run(spool, "echo started")
    assert outcome.launch_error is not None
    assert words in outcome.launch_error
    assert running.said(spool.attempt(1, 1)) == ""


@pytest.mark.parametrize("point", ["spawn.before", "spawn.after_fork", "ticket.before", "ticket.before_link"])
def test_a_job_without_a_ticket_is_refused_and_may_be_tried_again(spool: Spool, arm: Arm, point: str) -> None:
    """F29: what has no ticket never started."""
    arm(point, "enospc")
    directory = running.prepared(spool, "echo started")
    answer = launcher.launch(directory)
    assert isinstance(answer, Refused)
    assert "No space left" in answer.why
    assert directory.ticket() is None
    assert running.said(directory) == ""


@pytest.mark.parametrize("point", ["exit.after_tmp", "exit.after_rename"])
def test_an_end_is_written_down_however_often_that_takes(spool: Spool, arm: Arm, point: str) -> None:
    """F29: the disk fails while the last word is written."""
    arm(point, "eio")
    assert running.run(spool, "exit 7").exit_code == 7
