"""Drills that are too slow for the default suite: `make drills`.

A drill of a platform with a planted fault is red. One that is stopped while its jobs run leaves nothing.
"""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from jobs.execution import processes
from tests.eventually import eventually
from tests.remains import processes_of
from tests.session import ROOT

pytestmark = pytest.mark.timeout(600)
PLANTED = Path(__file__).with_name("planted")


def drill(fault: str, only: str, tmp_path: Path) -> tuple[int, Any]:
    """The exit code and the card of a drill of a platform with this fault."""
    played = subprocess.run(
        [
            *(sys.executable, "-E", "-m", "jobsite.drill", "--json", "--jobs", "8"),
            *("--only", only, "--patience", "60"),
        ],
        cwd=ROOT,
        env={
            "PATH": os.environ["PATH"],
            "TMPDIR": str(tmp_path),
            "PYTHONPATH": str(PLANTED),
            "PLANTED": fault,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert played.stderr == ""
    card = json.loads(played.stdout)
    assert (Path(card["kept"]) / "var" / "logs" / "scheduler.log").is_file()
    assert list(processes_of(tmp_path)) == []
    return played.returncode, card


def test_a_scheduler_that_nobody_starts_again_is_seen(tmp_path: Path) -> None:
    code, card = drill("scheduler", "scheduler", tmp_path)
    assert (code, card["ok"]) == (1, False)
    assert card["kills"][0]["back_seconds"] is None
    assert card["zeros"]["stuck"] > 0
    assert "scheduler: not back within 60 s (it leads)" in card["failures"]


def test_ends_that_are_recorded_falsely_are_seen(tmp_path: Path) -> None:
    code, card = drill("ends", "wrapper", tmp_path)
    assert (code, card["ok"]) == (1, False)
    assert card["zeros"]["false_ends"] > 0
    assert {number for name, number in card["zeros"].items() if name != "false_ends"} == {0}
    assert any("ended with FAILED NonZeroExitCode exit code" in words for words in card["failures"])


def test_ctrl_c_while_jobs_run_ends_them_too(tmp_path: Path) -> None:
    """Without control groups, whose kill would be enough."""
    running = subprocess.Popen(
        [sys.executable, "-E", "-m", "jobsite.drill", "--keep"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "TMPDIR": str(tmp_path), "JOBSITE_CGROUPS": "off"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    eventually(lambda: len(jobs_of(tmp_path)) > 8, within=300)
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=120)
    assert running.returncode == 128 + signal.SIGINT
    assert f"Of the sandbox only its directory, {tmp_path}/jobsite-drill-" in said
    assert jobs_of(tmp_path) == []
    assert list(processes_of(tmp_path)) == []


def jobs_of(directory: Path) -> list[processes.Identity]:
    """The processes that carry the marker of a spool in this directory."""
    spool_ids = [file.read_text().strip() for file in directory.rglob("spool_id")]
    return [found for token, found in processes.all_marked() if token.partition(".")[0] in spool_ids]
