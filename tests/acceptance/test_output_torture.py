"""Output that is too much, or no text, or not there any more: nothing is followed, and nothing breaks.

`make torture` plays the first test with the 10 GiB of a partition's cap.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from jobs.execution.stream_file import CHUNK, MOVED
from tests.acceptance.fixtures_faults import say, tell
from tests.acceptance.witness import Gate
from tests.client import FINAL, Client
from tests.eventually import eventually
from tests.person import Person
from tests.platform import Platform

CAP = int(os.environ.get("TORTURE_MB") or 256)
MIB = 2**20
SLACK = 256 + CAP // 10
"""MiB that a job at full speed may write between the look that finds too much and its end."""
GROWTH = 40
"""MiB by which a process of ours may grow meanwhile."""
PATIENCE = 60.0 + CAP / 20
OURS = ("web", "worker")

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(120 + PATIENCE)]


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    with Platform(tmp_path_factory.mktemp("torture") / "var", JOBSITE_CPUS="8") as made:
        tell(made, f"from jobs.models import Partition\nPartition.objects.update(output_limit_mb={CAP})")
        yield made


@pytest.fixture(scope="module")
def person(platform: Platform) -> Person:
    return Person(platform)


def memory(platform: Platform) -> dict[str, int]:
    """What our processes hold of the machine's memory, in MiB."""
    return {name: psutil.Process(platform.child(name).pid).memory_info().rss // MIB for name in OURS}


def wrapper_of(script: Path) -> int:
    """What the wrapper of the job with this script holds, in MiB; 0 when it has ended."""
    for process in psutil.process_iter(["cmdline"]):
        if str(script) in (process.info["cmdline"] or ()):
            try:
                parent = process.parent()
                return parent.memory_info().rss // MIB if parent else 0
            except psutil.NoSuchProcess:
                return 0
    return 0


def test_f54_output_at_full_speed_ends_at_the_cap_and_nobodys_memory_grows(
    platform: Platform, client: Client, person: Person
) -> None:
    """F54: while it writes, its end is looked at on the page again and again."""
    person.open("/jobs/")
    before = most = memory(platform)
    job = client.submit("while :; do head -c 1073741824 /dev/zero; done", memory=256)
    script, wrapper = platform.var / "spool" / "n1" / f"{job}.1" / "script", 0

    def looked_at() -> bool:
        nonlocal most, wrapper
        assert person.open(f"/jobs/{job}/").status == 200
        most = {name: max(most[name], amount) for name, amount in memory(platform).items()}
        wrapper = max(wrapper, wrapper_of(script))
        return client.job(job)["state"] in FINAL

    eventually(looked_at, within=PATIENCE, every=0.1)
    ended = client.job(job)
    written = (script.parent / "stdout").stat().st_size / MIB
    say("torture", cap_mib=CAP, written_mib=round(written), before=before, most=most, wrapper=wrapper)
    assert (ended["state"], ended["reason"]) == ("FAILED", "OutputLimit")
    assert CAP <= written <= CAP + SLACK
    assert all(most[name] - before[name] <= GROWTH for name in OURS), (before, most)
    assert wrapper <= GROWTH


ODD = {
    "binary": "head -c 200000 /dev/urandom | tee {kept}",
    "NUL": "head -c 200000 /dev/zero | tee {kept}",
    "one long line": "head -c 200000 /dev/zero | tr '\\0' x | tee {kept}",
    "escapes and HTML": r"printf '\033]0;x\007\033[2J<script>alert(1)</script>\377\r' | tee {kept}",
    "without an end of line": "printf end | tee {kept}",
}


def test_bytes_of_any_kind_are_kept_as_they_are_and_shown_without_harm(
    client: Client, person: Person, tmp_path: Path
) -> None:
    """F55: also one line of 1 GiB, which is a hole in the file and costs the disk nothing."""
    kept = [tmp_path / str(number) for number in range(len(ODD))]
    jobs = [client.submit(script.format(kept=file)) for script, file in zip(ODD.values(), kept, strict=True)]
    hole = client.submit("truncate -s 1G /proc/$$/fd/1; echo end")
    assert {job["state"] for job in client.ended(*jobs, hole)} == {"COMPLETED"}
    for job, file in zip(jobs, kept, strict=True):
        assert client.output(job) == file.read_bytes()
        page = person.open(f"/jobs/{job}/")
        assert page.status == 200
        assert b"\x1b" not in page.body
        assert b"<script>alert" not in page.body
    whole = client.ask("GET", f"jobs/{hole}/output/")
    assert (len(whole.body), whole.headers["X-Jobsite-Size"]) == (CHUNK, str(2**30 + 4))
    page = person.open(f"/jobs/{hole}/")
    assert (page.status, len(page.body) < MIB) == (200, True)


BECOMES = {
    "nothing": "rm $out",
    "a link": "ln -sf {secret} $out",
    "a pipe": "rm $out; mkfifo $out",
    "a directory": "rm $out; mkdir $out",
    "a device": "ln -sf /dev/zero $out",
}


def test_output_that_its_job_takes_away_is_not_followed(
    platform: Platform, client: Client, person: Person, gate: Gate, tmp_path: Path
) -> None:
    """F31, F56: the readers are told, the job goes on, and its end is its own."""
    secret = platform.var / "secret-key"
    jobs = [
        client.submit(
            f"echo kept; out=$(readlink /proc/$$/fd/1); {becomes.format(secret=secret)}; "
            f"touch {tmp_path}/$SLURM_JOB_ID; {gate.wait}; echo more; exit 3"
        )
        for becomes in BECOMES.values()
    ]
    for job in jobs:
        eventually(lambda job=job: (tmp_path / str(job)).exists(), within=60)  # type: ignore[misc]
        assert_nothing_is_read(client, person, job)
    gate.open()
    for job, ended in zip(jobs, client.ended(*jobs), strict=True):
        assert (ended["state"], ended["exit_code"]) == ("FAILED", 3)
        assert_nothing_is_read(client, person, job)


def assert_nothing_is_read(client: Client, person: Person, job: int) -> None:
    answer = client.ask("GET", f"jobs/{job}/output/")
    assert (answer.status, answer.body, answer.headers["X-Jobsite-Note"]) == (200, b"", MOVED)
    page = person.open(f"/jobs/{job}/")
    assert page.status == 200
    assert MOVED in page.body.decode()
    assert person.open(f"/jobs/{job}/download/").status == 404
