"""F58: every exit code and every signal, told as the kernel tells it."""

import json
import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs.execution import launcher
from jobs.execution.job_process import default_signals
from jobs.execution.spool import Spool
from tests.jobs.execution import running

CODES = range(256)
SIGNALS = range(1, 32)
NEVER_END = {signal.SIGCHLD, signal.SIGCONT, signal.SIGURG, signal.SIGWINCH, signal.SIGSTOP} | {
    signal.SIGTSTP,
    signal.SIGTTIN,
    signal.SIGTTOU,
}
"""By their default they are ignored, or stop what may be continued; signal(7)."""
END = sorted(set(SIGNALS) - NEVER_END)


@pytest.fixture
def spool() -> Iterator[Spool]:
    """In memory: hundreds of wrappers would wait for the disk."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as directory:
        yield Spool.open(Path(directory) / "spool")


def run_each(spool: Spool, scripts: dict[int, str]) -> dict[int, dict[str, object]]:
    """Run the scripts, and say what each wrapper has written."""
    made = {number: running.prepared(spool, text, job_id=number) for number, text in scripts.items()}
    for directory in made.values():
        assert launcher.launch(directory) == launcher.Launched()
    for directory in made.values():
        running.outcome_of(directory)
    return {n: json.loads((directory.path / "exit.json").read_bytes()) for n, directory in made.items()}


def test_f58_every_exit_code_is_told_exactly(spool: Spool) -> None:
    """F58: 0 to 255."""
    told = run_each(spool, {code + 1: f"exit {code}" for code in CODES})
    ends = {number - 1: (end["exit_code"], end["exit_signal"]) for number, end in told.items()}
    assert ends == {code: (code, None) for code in CODES}


def test_f58_every_signal_that_ends_a_process_is_told_exactly_with_its_core_dump(
    spool: Spool, tmp_path: Path
) -> None:
    """F58: whether there is a core dump is told as a bare waitpid tells it on this machine."""
    told = run_each(spool, {number: f"ulimit -c unlimited; kill -{number} $$" for number in END})
    ends = {number: (end["exit_signal"], end["core_dumped"]) for number, end in told.items()}
    assert ends == {number: (number, dumps_core(number, tmp_path)) for number in END}
    assert {end["exit_code"] for end in told.values()} == {None}


def dumps_core(number: int, directory: Path) -> bool:
    """What the kernel says of the same end without any wrapper."""
    pid = os.fork()
    if not pid:
        os.chdir(directory)
        default_signals()
        os.execv("/bin/sh", ["sh", "-c", f"ulimit -c unlimited; kill -{number} $$"])  # noqa: S606
    _, status = os.waitpid(pid, 0)
    return os.WCOREDUMP(status)


def test_f58_a_signal_that_ends_no_process_changes_nothing(spool: Spool) -> None:
    """F58: the job goes on, after a stop when it is continued, and its own code counts."""
    woken = "(until grep -q 'State:.T' /proc/$$/status; do :; done; kill -CONT $$) & kill -STOP $$"
    scripts = {int(number): f"kill -{number} $$; exit {number}" for number in NEVER_END - {signal.SIGSTOP}}
    told = run_each(spool, {**scripts, signal.SIGSTOP: f"{woken}; exit {signal.SIGSTOP}"})
    assert {number: end["exit_code"] for number, end in told.items()} == {n: n for n in NEVER_END}


def test_f44_what_keeps_a_job_from_being_started_is_told_in_the_systems_words(spool: Spool) -> None:
    """F44: an argument that is too long for the kernel, and a script that somebody holds open for writing."""
    long = running.run(spool, "true", job_id=1, arguments=["x" * 200_000])
    busy = running.prepared(spool, "true", job_id=2)
    with (busy.path / "script").open("ab"):
        assert isinstance(launcher.launch(busy), launcher.Launched)
        held = running.outcome_of(busy)
    assert "Argument list too long" in (long.launch_error or "")
    assert "Text file busy" in (held.launch_error or "")
    assert (long.exit_code, held.exit_code) == (None, None)
