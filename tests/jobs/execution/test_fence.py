"""A job that may be run again is ended by its wrapper when its node has not renewed; others never are."""

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from jobs.execution import launcher, processes
from jobs.execution.launcher import Refused
from jobs.execution.renewals import boottime
from jobs.execution.spool import AttemptDirectory, Spool
from tests.eventually import eventually
from tests.jobs.execution import running

FENCED: dict[str, Any] = {"requeue": True, "fence_seconds": 1.2, "grace_seconds": 30.0}
DEAF = "trap '' TERM; echo up; while :; do sleep 0.05; done"


RENEW = "printf '%s %s' $(cat /proc/sys/kernel/random/boot_id) $(cut -d' ' -f1 /proc/uptime) > {renewed}"
"""What an agent does; the uptime is of the same clock."""


@pytest.fixture
def renewed(spool: Spool) -> Path:
    """The file in which the agent tells of its renewal, just now."""
    path = spool.path / "renewed"
    running.tell_renewal(spool)
    return path


def tree_of(directory: AttemptDirectory) -> list[processes.Identity]:
    """What lives of an attempt but its wrapper."""
    wrapper = running.ticket_of(directory).wrapper
    return [found for found in processes.marked(directory.token) if found != wrapper]


def test_f65_without_renewals_a_job_that_may_run_again_is_killed_at_once(spool: Spool, renewed: Path) -> None:
    """F65: its first run is over before anybody may start the second."""
    directory = running.started(spool, DEAF, **FENCED)
    running.until_said(directory, "up")
    outcome = running.outcome_of(directory)
    assert (outcome.cause, outcome.exit_signal) == ("fenced", signal.SIGKILL)
    assert tree_of(directory) == []


def test_f64_a_silence_that_is_over_by_the_time_its_wrapper_wakes_counts_all_the_same(
    spool: Spool, renewed: Path
) -> None:
    """F64: the agent of a frozen node woke first and renews; others may have started the job meanwhile."""
    awake = spool.path / "awake"
    agent = f"[ -e {awake} ] && {RENEW.format(renewed=renewed)}"
    directory = running.started(spool, f"echo up; while :; do {agent}; sleep 0.05; done", **FENCED)
    running.until_said(directory, "up")
    wrapper = running.ticket_of(directory).wrapper
    assert wrapper is not None
    processes.send(wrapper, signal.SIGSTOP)
    over = boottime() + FENCED["fence_seconds"]
    eventually(lambda: boottime() > over, what="a long silence")
    before = renewed.read_text()
    awake.touch()
    eventually(lambda: renewed.read_text() not in ("", before), what="a renewal")
    processes.send(wrapper, signal.SIGCONT)
    assert running.outcome_of(directory).cause == "fenced"
    assert tree_of(directory) == []


def test_with_renewals_it_goes_on(spool: Spool, renewed: Path) -> None:
    again = f"for i in $(seq 12); do {RENEW.format(renewed=renewed)}; sleep 0.1; done; exit 3"
    outcome = running.run(spool, again, **{**FENCED, "fence_seconds": 0.8})
    assert (outcome.exit_code, outcome.cause) == (3, None)
    assert outcome.wall_seconds > 0.8


@pytest.mark.parametrize("spoilt", ["rm {renewed}", "rm {renewed}; mkfifo {renewed}", "echo odd > {renewed}"])
def test_while_nothing_is_told_the_last_renewal_grows_old(spool: Spool, renewed: Path, spoilt: str) -> None:
    outcome = running.run(spool, f"{spoilt.format(renewed=renewed)}; exec sleep 600", **FENCED)
    assert outcome.cause == "fenced"


@pytest.mark.parametrize(
    "told",
    [
        {"ago": 9.0},
        {"ago": -3600.0},
        {"ago": float("nan")},
        {"boot_id": "another"},
    ],
)
def test_without_a_fresh_renewal_in_this_boot_nothing_starts(
    spool: Spool, renewed: Path, told: dict[str, Any]
) -> None:
    running.tell_renewal(spool, **told)
    directory = running.prepared(spool, "touch witness", **FENCED)
    answer = launcher.launch(directory)
    assert isinstance(answer, Refused)
    assert "has not renewed" in answer.why
    assert directory.ticket() is None
    assert not (directory.path / "witness").exists()


def test_a_job_that_may_not_run_again_is_never_fenced(spool: Spool) -> None:
    outcome = running.run(spool, "sleep 0.3; exit 3", fence_seconds=0.1)
    assert (outcome.exit_code, outcome.cause) == (3, None)


def test_the_grace_of_a_cancel_does_not_outlast_the_fence(spool: Spool, renewed: Path) -> None:
    directory = running.started(spool, DEAF, **FENCED)
    running.until_said(directory, "up")
    running.cancel(directory)
    outcome = running.outcome_of(directory)
    assert outcome.exit_signal == signal.SIGKILL
    assert outcome.wall_seconds < FENCED["grace_seconds"] / 2


SLOW = f"""
import os, sys
from time import sleep
{launcher.CODE.partition("from jobs")[0]}
from jobs.execution import attempt, wrapper
link = attempt.Attempt._link_ticket
attempt.Attempt._link_ticket = lambda self: (link(self), sleep(2))[0]
os.chdir(sys.argv[1])
raise SystemExit(wrapper.run())
"""
"""A wrapper that is held up between its ticket and the pipe."""


def test_f37_a_wrapper_that_is_late_after_its_ticket_runs_nothing(spool: Spool, renewed: Path) -> None:
    """F37: the ticket is its own, so it has to say itself that nothing ran."""
    directory = running.prepared(spool, "touch witness", **FENCED)
    command = [sys.executable, "-I", "-S", "-c", SLOW, str(directory.path)]
    subprocess.run(command, check=True, timeout=running.LONG, stdout=subprocess.DEVNULL)
    outcome = directory.outcome()
    assert outcome is not None
    assert (outcome.cause, outcome.exit_code, outcome.exit_signal) == ("fenced", None, None)
    assert "has not renewed" in (outcome.launch_error or "")
    assert not (directory.path / "witness").exists()


@pytest.mark.parametrize("requeue", [True, False])
def test_only_a_job_that_may_run_again_ends_with_its_wrapper(
    spool: Spool, renewed: Path, requeue: bool
) -> None:
    directory = running.started(spool, "echo up; exec sleep 600", requeue=requeue)
    running.until_said(directory, "up")
    ticket = running.ticket_of(directory)
    running.kill(ticket.wrapper)
    assert ticket.job is not None
    if requeue:
        eventually(lambda: ticket.job and not processes.is_alive(ticket.job), within=running.LONG)
    assert processes.is_alive(ticket.job) is not requeue
