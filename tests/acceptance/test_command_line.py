"""The command line against a real platform, as a person uses it."""

import json
import shlex
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs.execution import processes
from jobs.execution.spool import Spool
from tests.acceptance.shell import LossyRoad, Shell
from tests.acceptance.witness import Gate, Witness
from tests.client import Client
from tests.platform import Platform
from tests.remains import processes_of
from tests.session import ROOT

pytestmark = pytest.mark.acceptance


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    with Platform(tmp_path_factory.mktemp("cli") / "var") as running:
        yield running


@pytest.fixture
def shell(platform: Platform, tmp_path: Path) -> Shell:
    return Shell(platform, tmp_path)


def test_a_job_is_submitted_listed_shown_and_followed_to_its_end(shell: Shell) -> None:
    code, told, _ = shell.call("submit", "job.sh", "-c", "2", "--mem", "64M", "-t", "5m", "-J", "train")
    number = shell.newest
    assert (code, told.splitlines()) == (
        0,
        [
            f"Job {number} train submitted",
            f"  {shell.platform.url}/jobs/{number}/",
            f"  follow: jobsite logs -f {number}",
        ],
    )
    assert f"{number}  " in shell.call("queue")[1]
    assert shell.call("logs", "-f", str(number)) == (0, f"begun\nended in {shell.here}\n", "")
    assert "State       COMPLETED" in shell.call("show", str(number))[1]
    job = shell.client.job(number)
    asked_for = (job["cpus"], job["memory_mb"], job["time_limit"], job["name"], job["source"])
    assert asked_for == (2, 64, 300, "train", "cli")


def test_a_job_has_files_a_signal_and_all_variables_as_it_asked(shell: Shell) -> None:
    (shell.here / "in").write_text("given")
    (shell.here / "warned.sh").write_text(
        "#!/bin/bash\ntrap 'echo $MINE; exit' USR1\ncat; echo odd >&2; while :; do sleep 0.05; done\n"
    )
    files = ("-i", "in", "-o", "%x-%3j.out", "-e", "errors")
    course = ("-J", "a", "-t", "0:06", "--signal", "B:USR1@4", "--export", "ALL")
    code, told, _ = shell.call("submit", "warned.sh", "--parsable", *files, *course, MINE="mine")
    assert (code, shell.call("logs", "-f", told.strip())) == (0, (0, "givenmine\n", ""))
    assert (shell.here / f"a-{int(told):03}.out").read_text() == "givenmine\n"
    assert shell.call("logs", "--stderr", told.strip())[1] == (shell.here / "errors").read_text() == "odd\n"
    assert "Output      %x-%3j.out" in (sheet := shell.call("show", told.strip())[1])
    assert "B:USR1@4" in sheet
    assert shell.client.job(int(told))["state"] == "COMPLETED"


def test_json_is_what_the_api_says(shell: Shell) -> None:
    number = shell.submit("job.sh")
    shell.client.ended(number)
    assert json.loads(shell.call("show", str(number), "--json")[1]) == shell.client.job(number)
    listed = json.loads(shell.call("queue", "--all", "--json", "-n", "3")[1])
    assert listed == shell.client.ask("GET", "jobs/?limit=3").json["results"]


@pytest.mark.parametrize(
    ("command", "code"),
    [("exit 0", 0), ("exit 3", 3), ("exit 255", 255), ("kill -9 $$", 137), ("kill $$", 143)],
)
def test_run_ends_as_its_job_ends(shell: Shell, command: str, code: int) -> None:
    ended, output, _ = shell.call(
        "run", "--mem", "16", "--", "sh", "-c", f"echo out; echo err >&2; {command}"
    )
    assert (ended, output) == (code, "out\nerr\n")


def test_run_of_a_job_that_reaches_its_limit_says_so(shell: Shell) -> None:
    code, _, said = shell.call("run", "--mem", "16", "-t", "1s", "--", "sleep", "60")
    assert code == 1
    assert "FAILED: It reached its time limit" in said


def test_run_passes_words_and_bytes_on_as_they_are(shell: Shell) -> None:
    content = bytes(range(256)) * 1000
    (shell.here / "a file\n'name'").write_bytes(content)
    calling = shell.start("run", "--mem", "16", "--", "cat", "a file\n'name'")
    assert calling.communicate(timeout=60)[0] == content


def test_run_passes_named_variables_on_and_no_others(shell: Shell) -> None:
    words = ("run", "--mem", "16", "--export", "A,B=2", "--", "sh", "-c", 'echo "$A $B $C"')
    assert shell.call(*words, A="x y", C="secret")[1] == "x y 2 \n"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_run_that_is_left_goes_on(shell: Shell, number: signal.Signals, code: int) -> None:
    ended, said = shell.detach(number)
    job = shell.newest
    assert ended == code
    assert f"reattach: jobsite logs -f {job}" in said
    assert f"stop it: jobsite cancel {job}" in said
    assert shell.client.ended(job)[0]["state"] == "COMPLETED"
    assert shell.call("logs", str(job))[1] == "here\nthere\n"


def test_a_run_outlives_the_web_server(shell: Shell) -> None:
    calling = shell.start("run", "--mem", "16", "--", "sh", "-c", "echo a; sleep 3; echo b; exit 5")
    assert calling.stdout
    assert calling.stdout.readline() == b"a\n"
    shell.platform.wait_restarted("web", shell.platform.kill("web"))
    output, said = calling.communicate(timeout=60)
    assert (calling.returncode, output) == (5, b"b\n")
    assert b"waiting for the server." in said
    assert b"The server answers again." in said


def test_what_can_be_cancelled_is_and_the_rest_is_told(shell: Shell) -> None:
    ended, running = shell.submit("--wrap", "true"), shell.submit("--wrap", "sleep 100")
    shell.client.ended(ended)
    shell.client.until(running, "ACTIVE")
    code, _, said = shell.call("cancel", str(ended), "999999", str(running))
    assert code == 1
    assert f"error: Job {ended} has ended already: it is COMPLETED." in said
    assert "error: job 999999: No job has this number." in said
    assert said.endswith("1 of 3 jobs cancelled.\n")
    assert shell.client.ended(running)[0]["state"] == "CANCELLED"


def test_a_submit_whose_answer_is_lost_makes_one_job(shell: Shell) -> None:
    before = shell.submit("--wrap", "true")
    with LossyRoad(shell.platform.port) as road:
        code, told, _ = shell.call("submit", "job.sh", "--parsable", JOBSITE_URL=road.url)
        assert road.lost == 1
    after = shell.client.ask("GET", "jobs/?limit=9&state=PENDING,RUNNING,COMPLETED").json["results"]
    assert (code, [job["id"] for job in after if job["id"] > before]) == (0, [int(told)])


BAD = {
    "empty script": ["/dev/null"],
    "blank script": ["--wrap", "  "],
    "0 CPUs": ["job.sh", "-c", "0"],
    "-1 CPUs": ["job.sh", "-c", "-1"],
    "1.5 CPUs": ["job.sh", "-c", "1.5"],
    "10^9 CPUs": ["job.sh", "-c", "1000000000"],
    "memory of potatoes": ["job.sh", "--mem", "8 potatoes"],
    "negative memory": ["job.sh", "--mem", "-1"],
    "no memory": ["job.sh", "--mem", "0"],
    "no time": ["job.sh", "-t", "0"],
    "negative time": ["job.sh", "-t", "-1h"],
    "time above the maximum": ["job.sh", "-t", "364-0"],
    "missing directory": ["job.sh", "-D", "/nowhere"],
    "relative directory": ["job.sh", "-D", "here"],
    "a file as directory": ["job.sh", "-D", "/etc/passwd"],
    "name of 129 characters": ["job.sh", "-J", "n" * 129],
    "name of two lines": ["job.sh", "-J", "two\nlines"],
    "unknown partition": ["job.sh", "-p", "nowhere"],
    "more CPUs than any node": ["job.sh", "-c", "5"],
    "more memory than any node": ["job.sh", "--mem", "9G"],
    "more GPUs than any node": ["job.sh", "-G", "1"],
    "missing script": ["gone.sh"],
    "binary script": ["binary"],
    "large script": ["large"],
}


@pytest.mark.parametrize("words", BAD.values(), ids=BAD.keys())
def test_bad_input_is_refused_with_what_to_do_and_nothing_is_stored(shell: Shell, words: list[str]) -> None:
    (shell.here / "binary").write_bytes(b"#!/bin/sh\n\0")
    (shell.here / "large").write_bytes(b"#" * 1_048_577)
    before = shell.submit("--hold", "--wrap", "true")
    code, output, said = shell.call("submit", *words)
    assert (code, output) == (1, "")
    assert [line.partition(":")[0] for line in said.splitlines()] == ["error", "hint"]
    assert shell.newest == before
    shell.client.cancel(before)


def test_a_token_that_was_revoked_is_told_with_how_to_get_another(shell: Shell) -> None:
    code, _, said = shell.call("queue", JOBSITE_API_TOKEN="jst_revoked")
    assert code == 1
    assert "error: This token is not known" in said
    assert "hint: make a token on your account page" in said


def test_a_job_that_waits_tells_run_why(shell: Shell) -> None:
    calling = shell.start("run", "--mem", "16", "--hold", "--", "true")
    assert calling.stderr
    said = [calling.stderr.readline().decode() for _ in range(2)]
    Client(shell.platform.url, shell.platform.cli_token).cancel(shell.newest)
    calling.communicate(timeout=60)
    assert said[1].endswith("waits: admin holds it until it is released.\n")
    assert calling.returncode == 1


@pytest.mark.timeout(400)
def test_a_drill_that_is_a_job_itself_disturbs_no_other_and_leaves_nothing(
    platform: Platform, client: Client, witness: Witness, gate: Gate
) -> None:
    """As the admin's button has it played, but shorter. `make drill` is the whole of it."""
    bystander = client.submit(witness.script(f"{gate.wait}\nexit 7"))
    client.until(bystander, "ACTIVE")
    before = Spool.open(platform.var / "spool" / "n1").attempt(bystander, 1).ticket()
    short = ("--only", "worker,wrapper", "--jobs", "4", "--patience", "200")
    played = shlex.join([sys.executable, "-E", "-m", "jobsite.drill", *short])
    number = client.submit(f"cd {ROOT} && exec {played}", memory="1536M", time_limit="15m")
    (ended,) = client.ended(number, within=300)
    card = client.output(number).decode()
    assert (ended["state"], ended["exit_code"]) == ("COMPLETED", 0), card
    assert "All recovered, all zero: 12 jobs, 2 kills, " in card
    sandbox = Path(card.partition("sandbox  ")[2].partition(",")[0])
    assert sandbox.name.startswith("jobsite-drill-")
    assert not sandbox.exists()
    assert list(processes_of(sandbox)) == []
    assert before
    assert before.wrapper
    assert before.job
    assert processes.is_alive(before.wrapper)
    assert processes.is_alive(before.job)
    gate.open()
    assert client.until(bystander, "FAILED")["exit_code"] == 7
    assert witness.saw_each_start_once(bystander)
