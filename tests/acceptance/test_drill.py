"""`jobsite drill` beside a platform that runs, and on it as a job: red and green, and nothing is left.

The whole drill is `make drill`; here is a short one.
"""

import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs.execution import processes
from jobs.execution.spool import Spool
from tests.acceptance.witness import Gate, Witness
from tests.client import Client
from tests.eventually import eventually
from tests.platform import Platform
from tests.remains import processes_of
from tests.session import ROOT

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(400)]

SHORT = ("-E", "-m", "jobsite.drill", "--only", "worker,wrapper", "--jobs", "4", "--patience", "200")


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    with Platform(tmp_path_factory.mktemp("drill") / "var") as running:
        yield running


def test_a_drill_that_is_a_job_itself_disturbs_no_other_and_leaves_nothing(
    platform: Platform, client: Client, witness: Witness, gate: Gate
) -> None:
    bystander = client.submit(witness.script(f"{gate.wait}\nexit 7"))
    client.until(bystander, "ACTIVE")
    before = Spool.open(platform.var / "spool" / "n1").attempt(bystander, 1).ticket()
    script = f"cd {ROOT} && exec {shlex.join([sys.executable, *SHORT])}"
    number = client.submit(script, memory="2G", time_limit="10m")
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


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=str)
def test_a_drill_that_is_stopped_leaves_nothing(tmp_path: Path, number: signal.Signals) -> None:
    drill = subprocess.Popen(
        [sys.executable, *SHORT],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    eventually(lambda: len(list(processes_of(tmp_path))) > 3, within=60)
    drill.send_signal(number)
    said, _ = drill.communicate(timeout=60)
    assert drill.returncode == 128 + number
    assert "Nothing of the sandbox is left." in said
    assert list(tmp_path.iterdir()) == []
    assert list(processes_of(tmp_path)) == []
