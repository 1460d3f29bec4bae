"""Every way in which a script can end, or not begin, is recorded exactly."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs.execution import job_process
from tests.acceptance.fixtures_faults import tell
from tests.client import Client
from tests.platform import Platform

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(400)]


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    with Platform(tmp_path_factory.mktemp("exit") / "v", JOBSITE_CPUS="8") as running:
        yield running


def test_all_256_exit_codes_are_recorded(client: Client) -> None:
    """F58: as they were."""
    jobs = client.ended(*[client.submit(f"exit {code}") for code in range(256)], within=150)
    assert [(job["exit_code"], job["exit_signal"]) for job in jobs] == [(code, None) for code in range(256)]
    assert (jobs[0]["state"], jobs[0]["reason"]) == ("COMPLETED", "")
    assert {(job["state"], job["reason"]) for job in jobs[1:]} == {("FAILED", "NonZeroExitCode")}


def test_the_signals_1_to_15_are_recorded(client: Client) -> None:
    """F58: as they were."""
    numbers = range(1, 16)
    jobs = client.ended(*[client.submit(f"ulimit -c 0; kill -{number} $$; exit 7") for number in numbers])
    assert [(job["exit_signal"], job["exit_code"]) for job in jobs] == [(number, None) for number in numbers]
    assert {(job["state"], job["reason"]) for job in jobs} == {("FAILED", "RaisedSignal")}
    assert jobs[10]["detail"] == "Its process was ended by signal 11 (SIGSEGV)."


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("#!/no/such\ntrue\n", "[Errno 2] No such file or directory: '/no/such'"),
        ("#!/bin/sh\r\ntrue\r\n", r"[Errno 2] No such file or directory: '/bin/sh\r'"),
        ("#!/etc/passwd\ntrue\n", "[Errno 13] Permission denied: '/etc/passwd'"),
    ],
)
def test_what_could_not_start_says_why_in_the_systems_own_words(
    client: Client, script: str, words: str
) -> None:
    """F44: no interpreter, a foreign line end, no permission."""
    job = client.ended(client.submit(script))[0]
    assert (job["state"], job["reason"], job["exit_code"]) == ("FAILED", "JobLaunchFailure", None)
    assert job["detail"] == f"It could not be started: {words}"


def test_a_script_without_a_shebang_runs_with_bash_and_an_event_says_so(
    platform: Platform, client: Client
) -> None:
    script = "echo ${BASH_VERSION:+bash}; exit 3\n"
    number = client.ask("POST", "jobs/", {"script": script, "memory": 16}).json["id"]
    job = client.ended(number)[0]
    assert (job["exit_code"], client.output(number)) == (3, b"bash\n")
    notes = f"print(*JobEvent.objects.filter(job={number}, kind='active').values_list('message', flat=True))"
    said = tell(platform, f"from jobs.models import JobEvent; {notes}")
    assert said == "runs with /bin/bash, because the script has no #! line"


def test_where_there_is_no_bash_it_runs_with_sh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "script").write_text("true\n")
    monkeypatch.setattr(os, "access", lambda path, _: "bash" not in path)
    assert job_process.command(["a"]) == (
        ["/bin/sh", str(tmp_path / "script"), "a"],
        "runs with /bin/sh, because the script has no #! line and there is no bash",
    )
