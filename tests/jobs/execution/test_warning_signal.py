"""The signal that a job has asked for comes before its limit, to all of it or to its script alone."""

import signal

from jobs.execution.spool import Spool
from tests.jobs.execution import running

CHILD = "(trap 'echo child; exit 0' USR1; touch ready; while :; do sleep 0.02; done)"
ASKED = {"warning_signal": signal.SIGUSR1, "warning_seconds": 59.5, "time_limit_seconds": 60}


def test_all_of_a_job_is_warned(spool: Spool) -> None:
    script = f"trap 'echo shell' USR1; {CHILD} & until [ -e ready ]; do sleep 0.01; done; wait; wait; exit 4"
    directory = running.started(spool, script, **ASKED)
    assert running.outcome_of(directory).exit_code == 4
    assert {"child", "shell"} <= set(running.said(directory).split())


def test_a_script_can_be_warned_alone(spool: Spool) -> None:
    script = f"trap 'echo shell; exit 4' USR1; {CHILD} & wait"
    directory = running.started(spool, script, warning_to_shell=True, **ASKED)
    assert running.outcome_of(directory).exit_code == 4
    assert running.said(directory) == "shell\n"


def test_a_shell_without_a_trap_that_waits_for_its_program_is_spared(spool: Spool) -> None:
    directory = running.started(spool, f"/bin/sh -c '{CHILD.replace(chr(39), chr(34))}'; exit 4", **ASKED)
    assert running.outcome_of(directory).exit_code == 4
    assert "child" in running.said(directory).split()


def test_a_program_that_is_alone_is_warned_with_or_without_a_trap(spool: Spool) -> None:
    outcome = running.run(spool, "exec sleep 600", **ASKED)
    assert (outcome.exit_signal, outcome.cause) == (signal.SIGUSR1, None)


def test_a_limit_that_is_nearer_than_the_warning_warns_at_once(spool: Spool) -> None:
    outcome = running.run(spool, "exec sleep 600", **{**ASKED, "warning_seconds": 600})
    assert outcome.exit_signal == signal.SIGUSR1
    assert outcome.wall_seconds < ASKED["time_limit_seconds"] / 2


def test_the_job_goes_before_its_wrapper_when_memory_runs_out(spool: Spool) -> None:
    directory = running.started(spool, "cat /proc/self/oom_score_adj /proc/$PPID/oom_score_adj")
    running.outcome_of(directory)
    job, wrapper = map(int, running.said(directory).split())
    assert job >= 300
    assert wrapper <= 0
