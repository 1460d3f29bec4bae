"""The cap on what a job writes: it is ended near it, whatever it does with its files."""

import os
import signal
import sys
from pathlib import Path

import pytest

from jobs.execution import outputs, procfs
from jobs.execution.spool import AttemptDirectory, Spool
from tests.jobs.execution import running

MIB = 2**20
CAP = 16 * MIB
SLACK = 1024 * MIB
"""What the fastest writer may add between two looks, on a machine that does other things too."""


def test_f54_a_job_that_writes_at_full_speed_is_stopped_near_its_cap(spool: Spool) -> None:
    """F54: the cap holds by looking; the wrapper's own memory does not grow with the output."""
    directory = running.started(spool, "exec yes", output_limit_bytes=CAP, grace_seconds=30.0)
    peak = peak_of(directory)
    outcome = running.outcome_of(directory)
    assert (outcome.cause, outcome.exit_signal) == ("output", signal.SIGTERM)
    assert CAP < directory.stdout.stat().st_size < CAP + SLACK
    assert outcome.measured[0] > outcome.measured[1] == CAP / MIB
    assert peak < 64 * 1024


def peak_of(directory: AttemptDirectory) -> int:
    """KiB that the wrapper has had at most."""
    wrapper = running.ticket_of(directory).wrapper
    assert wrapper is not None
    status = Path(f"/proc/{wrapper.pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0])


def test_who_writes_on_when_asked_to_end_is_killed_before_its_grace(spool: Spool) -> None:
    outcome = running.run(spool, "trap '' TERM; exec yes", output_limit_bytes=CAP, grace_seconds=30.0)
    assert (outcome.cause, outcome.exit_signal) == ("output", signal.SIGKILL)
    assert outcome.wall_seconds < outputs.QUICK_GRACE


def test_below_its_cap_a_job_is_left_alone(spool: Spool) -> None:
    outcome = running.run(spool, "head -c 4000000 /dev/zero; sleep 0.2", output_limit_bytes=CAP)
    assert (outcome.exit_code, outcome.cause) == (0, None)


def test_a_hole_is_no_output(spool: Spool) -> None:
    outcome = running.run(spool, "truncate -s 1T /proc/self/fd/1; sleep 0.3", output_limit_bytes=CAP)
    assert (outcome.exit_code, outcome.cause) == (0, None)


@pytest.mark.parametrize("trick", ["", "rm out; ", "mv out b; ", "mkfifo x; mv x out; ", "ln -sf / out; "])
def test_f56_a_file_of_its_users_counts_wherever_its_name_has_gone(
    spool: Spool, tmp_path: Path, trick: str
) -> None:
    """F56: by its name, and when that is gone or another's by what the job holds open."""
    out = {"stdout": str(tmp_path / "out"), "work_dir": str(tmp_path)}
    outcome = running.run(spool, f"{trick}exec yes", output_limit_bytes=CAP, **out)
    assert outcome.cause == "output"


def test_what_was_in_a_file_before_is_not_this_attempts(spool: Spool, tmp_path: Path) -> None:
    (tmp_path / "out").write_bytes(os.urandom(2 * MIB))
    own = {"stdout": str(tmp_path / "out"), "open_mode": "append"}
    assert running.run(spool, "echo more; sleep 0.3", output_limit_bytes=MIB, **own).exit_code == 0


@pytest.mark.parametrize("note", ["mkfifo %s", "mkdir %s", "echo '{\"stdout\": 1}' > %s", "echo '[[[' > %s"])
def test_a_note_that_the_job_has_spoilt_costs_its_wrapper_nothing(
    spool: Spool, tmp_path: Path, note: str
) -> None:
    script = f"rm streams.json; {note % 'streams.json'}; sleep 0.2; exit 3"
    outcome = running.run(spool, script, output_limit_bytes=CAP, stdout=str(tmp_path / "out"))
    assert (outcome.exit_code, outcome.cause) == (3, None)


ODD_NOTES = [
    r'"path": "/a\\u0000", "device": 1, "inode": 1, "begins": 0',
    r'"path": "/\\ud800", "device": 1, "inode": 1, "begins": 0',
    f'"path": "/", %s, "begins": -{10**400}',
]
HUNGRY = f"exec {sys.executable} -I -S -c 'import signal; full = b\"x\" * 200_000_000; signal.pause()'"


@pytest.mark.parametrize("note", ODD_NOTES)
def test_a_note_that_the_job_has_spoilt_blinds_no_other_watch(spool: Spool, note: str) -> None:
    itself = """$(stat -c '"device": %d, "inode": %i' /)"""
    script = f"""printf '{{"stdout": {{{note}}}}}' "{itself}" > new; mv new streams.json; {HUNGRY}"""
    own = {"stdout": "/dev/null"}
    outcome = running.run(spool, script, output_limit_bytes=CAP, memory_mb=16, **own)
    assert outcome.cause == "memory"


def test_a_note_that_the_job_spoils_in_its_last_moment_keeps_no_end_from_being_told(spool: Spool) -> None:
    script = f"""
    spoil() {{ printf '{{"stderr": {{{ODD_NOTES[0]}}}}}' > new; mv new streams.json; exit 3; }}
    rm streams.json; trap spoil TERM; head -c 3000000 /dev/zero; {running.WAITS}
    """
    outcome = running.run(spool, script, output_limit_bytes=MIB, stderr="/dev/null")
    assert (outcome.cause, outcome.exit_code) == ("output", 3)


def test_of_the_wrapper_nothing_is_left(spool: Spool) -> None:
    directory = running.started(spool, "exec yes", output_limit_bytes=CAP)
    running.outcome_of(directory)
    job = running.ticket_of(directory).job
    assert job is not None
    assert procfs.start_ticks(job.pid) != job.start_ticks
