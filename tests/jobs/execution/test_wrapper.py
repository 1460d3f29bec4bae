"""The wrapper, run for real: it starts a job at most once, and says exactly how it ended."""

import signal
from contextlib import suppress

import pytest

from jobs.execution import launcher, processes
from jobs.execution.launcher import Refused
from jobs.execution.spool import Burial, Spool
from tests.eventually import eventually
from tests.jobs.execution import running

IGNORES_TERM = "trap '' TERM; echo deaf; while :; do sleep 1; done"


def test_a_job_runs_only_after_its_ticket_was_linked(spool: Spool) -> None:
    directory = running.prepared(spool, "ls ticket; exit 3")
    assert isinstance(launcher.launch(directory), launcher.Launched)
    assert running.outcome_of(directory).exit_code == 3
    assert running.said(directory) == "ticket\n"


def test_an_attempt_that_was_buried_first_never_runs(spool: Spool) -> None:
    """F37: whoever launches it late loses to the tombstone."""
    directory = running.prepared(spool, "touch witness")
    assert directory.bury() is Burial.WON
    answer = launcher.launch(directory)
    assert isinstance(answer, Refused)
    assert "File exists" in answer.why
    assert not (directory.path / "witness").exists()
    assert directory.outcome() is None
    assert running.ticket_of(directory).is_tombstone
    eventually(lambda: not processes.marked(directory.token), within=running.LONG)


def test_an_attempt_without_a_request_never_runs(spool: Spool) -> None:
    directory = running.prepared(spool, "touch witness")
    (directory.path / "request.json").unlink()
    answer = launcher.launch(directory)
    assert isinstance(answer, Refused)
    assert "No such file or directory: 'request.json'" in answer.why
    assert not (directory.path / "witness").exists()


def test_an_attempt_without_a_directory_never_runs(spool: Spool) -> None:
    directory = running.prepared(spool, f"touch {spool.path}/witness")
    directory.path.rename(spool.path / "elsewhere")
    with suppress(FileNotFoundError):  # or the wrapper sees it
        assert isinstance(launcher.launch(directory), Refused)
    eventually(lambda: not processes.marked(directory.token), within=running.LONG)
    assert not (spool.path / "witness").exists()
    assert not directory.exists()


def test_a_second_wrapper_of_the_same_attempt_runs_nothing(spool: Spool) -> None:
    directory = running.started(spool, "echo once >> witness")
    assert isinstance(launcher.launch(directory), Refused)
    running.outcome_of(directory)
    assert (directory.path / "witness").read_text() == "once\n"


@pytest.mark.parametrize("code", [0, 1, 2, 126, 127, 128, 143, 255])
def test_an_exit_code_is_told_exactly(spool: Spool, code: int) -> None:
    """F58: by the wrapper."""
    outcome = running.run(spool, f"exit {code}")
    assert (outcome.exit_code, outcome.exit_signal, outcome.cause) == (code, None, None)


@pytest.mark.parametrize("number", [1, 2, 3, 6, 9, 11, 13, 15])
def test_a_signal_is_told_exactly(spool: Spool, number: int) -> None:
    """F58: by the wrapper."""
    outcome = running.run(spool, f"ulimit -c 0; kill -{number} $$; sleep 5")
    assert (outcome.exit_code, outcome.exit_signal, outcome.cause) == (None, number, None)


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("#!/no/such/interpreter\n", "[Errno 2] No such file or directory: '/no/such/interpreter'"),
        ("#!/bin/sh\r\necho hello\r\n", "[Errno 2] No such file or directory: '/bin/sh\\r'"),
        ("#!/\necho hello\n", "[Errno 13] Permission denied: '/'"),
    ],
)
def test_what_cannot_be_started_is_told_in_the_systems_words(spool: Spool, script: str, words: str) -> None:
    """F44: its launch_error is what the call said."""
    outcome = running.run(spool, script)
    assert (outcome.launch_error, outcome.exit_code, outcome.exit_signal) == (words, None, None)


def test_f44_a_work_directory_that_is_gone_is_told_in_the_systems_words(spool: Spool) -> None:
    """F44: it was there at submit, on the machine of the web."""
    outcome = running.run(spool, "true", work_dir="/no/such/directory")
    assert outcome.launch_error == (
        "the work directory cannot be entered: [Errno 2] No such file or directory: '/no/such/directory'"
    )


def test_a_script_without_a_shebang_runs_in_a_shell_that_is_named(spool: Spool) -> None:
    directory = running.prepared(spool, "true")
    (directory.path / "script").write_text('echo "$0 $1"\n')
    assert isinstance(launcher.launch(directory), launcher.Launched)
    assert running.outcome_of(directory).exit_code == 0
    assert "because the script has no #! line" in running.ticket_of(directory).note


def test_arguments_are_passed_as_they_are(spool: Spool) -> None:
    directory = running.started(spool, 'printf "%s|" "$@"', arguments=["a b", "$(id)", "`id`;\n", ""])
    running.outcome_of(directory)
    assert running.said(directory) == "a b|$(id)|`id`;\n||"


def test_a_job_past_its_limit_is_asked_and_then_killed(spool: Spool) -> None:
    directory = running.started(spool, IGNORES_TERM, time_limit_seconds=0.5, grace_seconds=0.3)
    outcome = running.outcome_of(directory)
    assert (outcome.exit_signal, outcome.cause) == (signal.SIGKILL, "limit")
    assert "reached its time limit of 0:00:00" in running.said(directory)
    assert set(processes.marked(directory.token)) <= {running.ticket_of(directory).wrapper}


def test_a_job_that_ends_when_it_is_asked_at_its_limit_still_ran_out_of_time(spool: Spool) -> None:
    script = "trap 'exit 0' TERM; while :; do sleep 0.05; done"
    outcome = running.run(spool, script, time_limit_seconds=0.5)
    assert (outcome.exit_code, outcome.cause) == (0, "limit")


def test_a_signal_without_the_cancel_file_is_no_cancel(spool: Spool) -> None:
    directory = running.started(spool, "echo up; until [ -e go ]; do sleep 0.05; done")
    running.until_said(directory, "up")
    wrapper = running.ticket_of(directory).wrapper
    assert wrapper is not None
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        processes.send(wrapper, number)
    (directory.path / "go").touch()
    outcome = running.outcome_of(directory)
    assert (outcome.exit_code, outcome.cause) == (0, None)


def test_a_cancel_ends_a_job_that_does_not_want_to(spool: Spool) -> None:
    directory = running.started(spool, IGNORES_TERM, grace_seconds=0.3)
    running.until_said(directory, "deaf")
    running.cancel(directory)
    outcome = running.outcome_of(directory)
    assert (outcome.exit_signal, outcome.cause) == (signal.SIGKILL, "cancel")


def test_a_stopped_job_hears_its_cancel(spool: Spool) -> None:
    directory = running.started(spool, "echo up; kill -STOP $$; sleep 600", grace_seconds=30.0)
    running.until_said(directory, "up")
    running.cancel(directory)
    assert running.outcome_of(directory).exit_signal == signal.SIGTERM


DAEMON = """
setsid env -i /bin/sh -c 'trap "" TERM; echo daemon $$; touch up; while :; do sleep 1; done' &
until [ -e up ]; do sleep 0.05; done
exit 5
"""


def test_what_a_job_leaves_running_ends_with_it_and_its_code_stays(spool: Spool) -> None:
    directory = running.started(spool, DAEMON, grace_seconds=0.2)
    outcome = running.outcome_of(directory)
    assert (outcome.exit_code, outcome.cause) == (5, None)
    daemon = int(running.said(directory).split()[1])
    assert processes.identify(daemon) is None


def test_output_goes_straight_into_a_file_and_outlives_the_wrapper(spool: Spool) -> None:
    directory = running.started(spool, "echo first; until [ -e go ]; do sleep 0.05; done; echo second >&2")
    running.until_said(directory, "first")
    ticket = running.ticket_of(directory)
    running.kill(ticket.wrapper)
    (directory.path / "go").touch()
    running.until_said(directory, "second")
    assert directory.outcome() is None


def test_the_wrappers_word_is_whole(spool: Spool) -> None:
    outcome = running.run(spool, "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done")
    assert outcome.cpu_seconds > 0
    assert outcome.max_rss_kb > 0
    assert 0 < outcome.wall_seconds < running.LONG
