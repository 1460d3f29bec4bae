"""The output of a node on another machine, where the web has no spool of it."""

import shutil
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from jobs.execution.output import SILENT
from jobsite.environment import embedded_database_url, embedded_redis_url
from tests.acceptance.fixtures_faults import Beside, beside, say, seconds_since
from tests.acceptance.shell import Shell
from tests.acceptance.witness import Gate
from tests.client import Client
from tests.eventually import eventually
from tests.platform import Platform
from tests.remains import killed_in

pytestmark = pytest.mark.acceptance
ONLY_FAR = {"cpus": 8}
"""More than n1 has."""
MIB = 2**20
SAID = SILENT.format("far")


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    with Platform(tmp_path_factory.mktemp("p") / "var", JOBSITE_TIME_SCALE="0.2") as made:
        yield made


@pytest.fixture
def far(platform: Platform, tmp_path: Path) -> Iterator[Beside]:
    """A worker with a data directory of its own: it shares the servers and the secret key, nothing else."""
    told = {
        "JOBSITE_VAR": str(tmp_path / "far"),
        "JOBSITE_NODE_NAME": "far",
        "JOBSITE_CPUS": "8",
        "DATABASE_URL": embedded_database_url(platform.var),
        "REDIS_URL": embedded_redis_url(platform.var),
    }
    (tmp_path / "far" / "run").mkdir(parents=True)
    shutil.copy(platform.var / "secret-key", tmp_path / "far")
    with beside(platform, "worker", **told) as worker:
        worker.says("ready", within=60)
        yield worker
    eventually(lambda: killed_in(tmp_path / "far"), what="the end of the far node's processes")


def piece(client: Client, job: int, start: int = 0) -> Any:
    return client.ask("GET", f"jobs/{job}/output/?from={start}")


def test_it_is_read_while_the_job_runs_and_after(
    far: Beside, platform: Platform, client: Client, gate: Gate, tmp_path: Path
) -> None:
    """F55: bytes of any kind, one line of them, arrive as they were written."""
    (tmp_path / "bytes").write_bytes(bytes(range(256)) * 4096)
    job = client.submit(f"echo begun; {gate.wait}; cat {tmp_path}/bytes", **ONLY_FAR)
    client.until(job, "ACTIVE")
    assert not (platform.var / "spool" / "far").exists()
    eventually(lambda: piece(client, job).body == b"begun\n", within=30)
    gate.open()
    client.ended(job)
    begun = time.monotonic()
    read = client.output(job)
    took = seconds_since(begun)
    say("far output", mib=len(read) / MIB, seconds=round(took, 2))
    assert sha256(read[6:]).digest() == sha256((tmp_path / "bytes").read_bytes()).digest()


def test_a_silent_node_is_told_by_page_api_and_command_line(
    far: Beside, platform: Platform, client: Client, tmp_path: Path
) -> None:
    job = client.submit("echo hello", **ONLY_FAR)
    client.ended(job)
    assert client.output(job) == b"hello\n"
    far.end()
    answer = piece(client, job)
    assert (answer.status, answer.body, answer.headers["X-Jobsite-Note"]) == (200, b"", SAID)
    code, out, said = Shell(platform, tmp_path).call("logs", str(job))
    assert (code, out, said) == (0, "", f"{SAID}\n")
    eventually(lambda: piece(client, job).headers["X-Jobsite-Ended"] == "true", within=30)
