"""What a job uses is measured over its whole tree, and a job far above its request is ended."""

import json
import signal
import sys
from pathlib import Path

import pytest

from jobs.execution import outcome, usage
from jobs.execution.settle import settle
from jobs.execution.spool import Spool
from jobs.execution.station import Station
from jobs.models import ResourceAllocation
from jobs.states import Reason, State
from tests.eventually import eventually
from tests.jobs.execution import running

TAKES = "from time import sleep; taken = b'x' * (int({mib}) << 20); sleep({seconds})"
SHARES = """
import os
from time import sleep
taken = b"x" * (60 << 20)
if all(os.fork() for _ in range(4)):
    for _ in range(4):
        os.wait()
else:
    sleep(0.8)
"""
SMALL = {"memory_mb": 40, "memory_slack_mb": 40}


def python(code: str) -> str:
    return f"#!{sys.executable} -IS\n{code}\n"


def test_f52_a_job_above_its_request_and_slack_is_ended_with_its_peak(spool: Spool) -> None:
    """F52: where no control group holds the memory, the wrapper watches it."""
    told = running.run(spool, python(TAKES.format(mib=200, seconds=60)), **SMALL)
    assert (told.cause, told.exit_signal) == ("memory", signal.SIGTERM)
    assert told.measured[0] > 80
    assert told.measured[1] == 40
    assert (told.peak_mb or 0) > 80


def test_the_memory_of_all_its_processes_counts_together(spool: Spool) -> None:
    each = f'{sys.executable} -ISc "{TAKES.format(mib=40, seconds=60)}" &'
    told = running.run(spool, f"{each}\n{each}\n{each}\nwait", **SMALL)
    assert told.cause == "memory"
    assert (told.peak_mb or 0) > 80


def test_memory_that_processes_share_counts_once(spool: Spool) -> None:
    told = running.run(spool, python(SHARES), memory_mb=70, memory_slack_mb=60)
    assert (told.cause, told.exit_code) == (None, 0)
    assert 60 < (told.peak_mb or 0) < 130


def test_a_series_never_has_more_than_300_points_and_keeps_its_peaks() -> None:
    series = usage.Series(0.0)
    for second in range(10_000):
        if second >= series.due:
            series.add(float(second), 2.0 * second, 2048 if second >= 9_000 else 1024)
    assert len(series.points) <= usage.MOST_POINTS
    assert max(memory for _, _, memory in series.points) == 2.0
    assert {cpus for _, cpus, _ in series.points[1:]} == {2.0}
    assert series.points[0][0] < 100 < 9_900 < series.points[-1][0] < 10_000


@pytest.mark.django_db
def test_what_was_measured_is_in_the_row_and_its_allocation(station: Station) -> None:
    job = running.active(station, "exit 3")
    path = station.directory_of(job).path / "exit.json"
    running.outcome_of(station.directory_of(job))
    told = {**json.loads(path.read_text()), "usage": [[5.0, 1.5, 20.0]], "peak_mb": 21.5}
    path.write_text(json.dumps(told))
    assert eventually(lambda: settle(job, station), within=running.LONG)
    job.refresh_from_db()
    assert job.max_rss_mb == 21.5
    assert ResourceAllocation.objects.get(job=job).usage == [[5.0, 1.5, 20.0]]


@pytest.mark.django_db
def test_a_job_that_took_too_much_is_out_of_memory_and_says_how_much(station: Station) -> None:
    script = python(TAKES.format(mib=200, seconds=60))
    job = running.active(station, script, memory_mb=40)
    running.outcome_of(station.directory_of(job))
    assert eventually(lambda: settle(job, station), within=running.LONG)
    job.refresh_from_db()
    assert (job.state, job.reason) == (State.FAILED, Reason.OUT_OF_MEMORY)
    assert "and asked for 40 MiB; its process was ended by signal 15 (SIGTERM)." in job.detail


KILLED, ENDED = int(signal.SIGKILL), 0


def test_f52_a_kill_by_the_kernel_is_proven_by_the_jobs_own_group(tmp_path: Path) -> None:
    """F52: memory.events of its control group counts it."""
    (tmp_path / "memory.events").write_text("low 0\noom 1\noom_kill 1\n")
    assert outcome.memory_ran_out(KILLED, usage.Usage({}, 0.0), str(tmp_path)) == "proven"


@pytest.mark.parametrize(
    ("status", "seen", "word"),
    [(KILLED, -1, "suspected"), (ENDED, -1, ""), (KILLED, 0, ""), (KILLED, None, "")],
)
def test_f52_without_a_group_a_kill_is_suspected_only_when_the_kernel_killed_somebody(
    status: int, seen: int | None, word: str
) -> None:
    """F52: the machine's own count moved while the job ran, and the job was killed by nobody of us."""
    measured = usage.Usage({}, 0.0)
    measured.oom_before = None if seen is None else usage.oom_kills() + seen
    assert outcome.memory_ran_out(status, measured, "") == word
