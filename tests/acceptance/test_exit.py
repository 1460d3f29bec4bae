"""Every way in which a script can end, or not begin, is recorded exactly."""

import os
from collections.abc import Iterator
from pathlib import Path
from signal import SIGHUP, SIGPIPE, SIGSTOP, SIGTERM, SIGXFSZ

import pytest

from jobs.execution import job_process
from tests.acceptance.fixtures_faults import tell
from tests.acceptance.job_rows import JobRows
from tests.client import Client
from tests.platform import Platform

CODES = range(256)
SIGNALS = range(1, 32)
END = ("exit_code", "exit_signal", "core_dumped", "state", "reason")
IGNORED_HERE = (SIGHUP, SIGPIPE, SIGXFSZ)
"""Python ignores them, or who started the suite by nohup, and so would what it starts."""
PATIENCE = 150.0

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(400)]


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    with Platform(tmp_path_factory.mktemp("exit") / "v", JOBSITE_CPUS="8") as running:
        yield running


@pytest.fixture
def rows(platform: Platform) -> Iterator[JobRows]:
    with JobRows(platform.var) as opened:
        yield opened


def test_f58_exit_codes_are_recorded_exactly(client: Client, rows: JobRows) -> None:
    """F58: from the script to the row, without a detour through a shell's 128 and more."""
    jobs = [client.submit(f"exit {code}") for code in CODES]
    shown = [job["exit_status"] for job in client.ended(*jobs, within=PATIENCE)]
    assert rows.of(jobs, *END) == [(code, None, False, *_reason_of(code)) for code in CODES]
    assert shown == [f"{code}:0" for code in CODES]


def test_f58_signals_are_recorded_exactly_and_whether_they_left_a_core_dump(
    client: Client, rows: JobRows, tmp_path: Path
) -> None:
    """F58: just as the same script ends without us. Some signals end nobody, and the script goes on."""
    scripts = [f"ulimit -c unlimited; kill -{number} $$; exit 7" for number in SIGNALS if number != SIGSTOP]
    jobs = [client.submit(script) for script in scripts]
    shown = [job["exit_status"] for job in client.ended(*jobs, within=PATIENCE)]
    ends = [bare_end(script, tmp_path) for script in scripts]
    assert [end[:3] for end in rows.of(jobs, *END)] == ends
    assert shown == [f"{code or 0}:{number or 0}" for code, number, _ in ends]
    raised = [job for job, end in zip(jobs, ends, strict=True) if end[1]]
    assert set(rows.of(raised, "state", "reason")) == {("FAILED", "RaisedSignal")}


def test_f58_a_job_that_stops_itself_for_ever_ends_by_its_limit(client: Client, rows: JobRows) -> None:
    """F58: signal 19 ends nobody. TERM is heard, because the stopped process is let go on for it."""
    job = client.submit("kill -STOP $$; exit 7", time_limit="00:00:01")
    client.ended(job)
    assert rows.of([job], *END) == [(None, SIGTERM, False, "FAILED", "TimeLimit")]


def bare_end(script: str, directory: Path) -> tuple[int | None, int | None, bool]:
    """Code, signal and core dump of a script that is started by nobody but this test."""
    command = ["/bin/sh", "-c", f"cd {directory}; {script}"]
    pid = os.posix_spawn("/bin/sh", command, {}, setsid=True, setsigdef=IGNORED_HERE)
    _, status = os.waitpid(pid, 0)
    code = os.WEXITSTATUS(status) if os.WIFEXITED(status) else None
    return code, os.WTERMSIG(status) if os.WIFSIGNALED(status) else None, os.WCOREDUMP(status)


def _reason_of(code: int) -> tuple[str, str]:
    return ("FAILED", "NonZeroExitCode") if code else ("COMPLETED", "")


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
