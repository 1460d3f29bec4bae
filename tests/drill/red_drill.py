"""A drill of a platform with a planted fault is red. `make drill-red`; too slow for the default suite."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

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
