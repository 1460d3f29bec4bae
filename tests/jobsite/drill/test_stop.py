"""Whoever stops a drill is left with nothing of it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.eventually import eventually
from tests.remains import processes_of
from tests.session import ROOT

ENOUGH = 5
"""Processes that the sandbox has by the time at which it is stopped: supervisor, broker, PostgreSQL's."""


@pytest.mark.timeout(400)
def test_a_drill_that_is_stopped_leaves_nothing(tmp_path: Path) -> None:
    drill = subprocess.Popen(
        [sys.executable, "-E", "-m", "jobsite.drill"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    eventually(lambda: len(list(processes_of(tmp_path))) > ENOUGH, within=120)
    drill.send_signal(signal.SIGTERM)
    said, _ = drill.communicate(timeout=120)
    assert drill.returncode == 128 + signal.SIGTERM
    assert "Of the sandbox nothing is left." in said
    assert list(tmp_path.iterdir()) == []
    assert list(processes_of(tmp_path)) == []
