"""The command as a process: quick to start, and never a traceback."""

import os
import resource
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.jobs.cli.scripted import LOST, Reply, ScriptedServer, job, piece, reply, running
from tests.platform import free_ports
from tests.session import ROOT

JOBSITE = str(ROOT / "bin" / "jobsite")


def told(server: ScriptedServer | None = None) -> dict[str, str]:
    """The variables of a person who uses this server, or one that is not there."""
    url = server.url if server else f"http://127.0.0.1:{free_ports(1)[0]}"
    return {"PATH": os.environ["PATH"], "JOBSITE_URL": url, "JOBSITE_API_TOKEN": "jst_token"}


def jobsite(
    *words: str, variables: Mapping[str, str], here: Path = ROOT
) -> "subprocess.CompletedProcess[str]":
    ran = subprocess.run(
        [JOBSITE, *words],
        env=dict(variables),
        cwd=here,
        capture_output=True,
        text=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
    )
    assert "Traceback" not in ran.stderr
    return ran


def test_help_costs_little_more_than_what_any_client_of_an_api_imports() -> None:
    """What Django imports for its models would be several times that."""
    client = [sys.executable, "-c", "import argparse, json, urllib.request"]
    ours, plain = [], []
    for _ in range(5):
        plain.append(_cpu_of(lambda: subprocess.run(client, check=True)))
        ours.append(_cpu_of(lambda: jobsite("--help", variables=told())))
    assert min(ours) < 2.5 * min(plain)


def _cpu_of(run: Callable[[], object]) -> float:
    """Seconds of a processor in children."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@pytest.mark.parametrize("command", ["submit", "run", "queue", "show", "logs", "cancel", "drill"])
def test_every_command_has_help_with_an_example(command: str) -> None:
    shown = jobsite(command, "--help", variables=told()).stdout
    assert "example" in shown
    assert f"  jobsite {command} " in shown or f"  jobsite {command}\n" in shown


def test_a_module_in_the_persons_directory_is_not_run(tmp_path: Path) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit('taken')")
    variables = {**told(), "PYTHONPATH": str(tmp_path), "PYTHONSTARTUP": str(tmp_path / "json.py")}
    assert jobsite("--help", variables=variables, here=tmp_path).returncode == 0


@pytest.mark.parametrize(
    "words", [["queue"], ["show", "1"], ["cancel", "1", "2"], ["logs", "1"], ["run", "true"]]
)
def test_a_server_that_is_not_there_is_exit_code_3(words: list[str]) -> None:
    ran = jobsite(*words, variables=told())
    assert ran.returncode == 3
    assert "error: no server answers at http://127.0.0.1:" in ran.stderr
    assert "hint: is it running?" in ran.stderr


@pytest.mark.parametrize("words", [[], ["sbumit"], ["show"], ["show", "x"], ["cancel"], ["queue", "-n", "0"]])
def test_wrong_usage_is_exit_code_2(words: list[str]) -> None:
    assert jobsite(*words, variables=told()).returncode == 2


def test_nothing_is_asked_for_wrong_usage() -> None:
    with ScriptedServer([reply(job(), 201)]) as server:
        ran = jobsite("submit", "--wrap", "true", "--cpu", "3", variables=told(server))
    assert ran.returncode == 2
    assert server.asked == []


def test_parsable_prints_the_number_alone() -> None:
    with ScriptedServer([reply(job(), 201)]) as server:
        assert jobsite("submit", "--wrap", "true", "--parsable", variables=told(server)).stdout == "12\n"


def test_a_submit_says_where_it_went_and_how_to_follow() -> None:
    with ScriptedServer([reply(job(name="a\x1b[2Jb"), 201)]) as server:
        shown = jobsite("submit", "--wrap", "true", variables=told(server)).stdout
    assert shown.splitlines() == [
        "Job 12 a\\x1b[2Jb submitted",
        "  http://127.0.0.1:8000/jobs/12/",
        "  follow: jobsite logs -f 12",
    ]


def test_of_several_jobs_each_is_cancelled_for_itself() -> None:
    replies = [
        reply(job(id=1, state="CANCELLED")),
        reply({"detail": "No job has this number."}, 404),
        reply(running(id=3, phase="STOPPING")),
    ]
    with ScriptedServer(replies) as server:
        ran = jobsite("cancel", "1", "2", "3", "3", variables=told(server))
    assert ran.returncode == 1
    assert ran.stdout == "Job 1 train is cancelled.\nJob 3 train is being stopped.\n"
    assert "error: job 2: No job has this number." in ran.stderr
    assert ran.stderr.endswith("2 of 3 jobs cancelled.\n")


def test_a_cancel_that_loses_its_server_says_which_jobs_are_left() -> None:
    with ScriptedServer([reply(job(id=1, state="CANCELLED")), LOST]) as server:
        ran = jobsite("cancel", "1", "2", "3", variables=told(server))
    assert ran.returncode == 3
    assert "Not cancelled, as far as is known: 2, 3." in ran.stderr


def test_output_that_cannot_be_written_is_told() -> None:
    with (
        ScriptedServer([reply(running()), piece(b"x" * 100)]) as server,
        Path("/dev/full").open("wb") as full,
    ):
        ran = subprocess.run(
            [JOBSITE, "logs", "12"],
            env=told(server),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
        )
    assert ran.returncode == 2
    assert ran.stderr == "error: the output cannot be written: No space left on device\n"


def test_a_reader_that_has_enough_ends_it_quietly() -> None:
    with ScriptedServer([reply(running()), piece(b"x" * 300_000)]) as server:
        reading, writing = os.pipe()
        os.close(reading)
        ran = subprocess.run(
            [JOBSITE, "logs", "12"],
            env=told(server),
            stdout=writing,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
        )
        os.close(writing)
    assert (ran.returncode, ran.stderr) == (141, "")


def test_a_fault_of_our_own_is_one_line() -> None:
    with ScriptedServer([Reply(200, b'{"id": 1}', {})]) as server:
        ran = jobsite("show", "1", variables=told(server))
    assert ran.returncode == 2
    assert ran.stderr.startswith("error: this is a fault of jobsite: KeyError")


def test_the_error_output_is_asked_for_and_a_note_about_it_is_told() -> None:
    told_of = {"X-Jobsite-Next": "0", "X-Jobsite-Size": "0", "X-Jobsite-Ended": "true"}
    with ScriptedServer(
        [reply(running()), Reply(200, b"", {**told_of, "X-Jobsite-Note": "It was moved."})]
    ) as server:
        ran = jobsite("logs", "--stderr", "12", variables=told(server))
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "It was moved.\n")
    assert server.asked[-1].path.endswith("?from=0&stream=stderr")
