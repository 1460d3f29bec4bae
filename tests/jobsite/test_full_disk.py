"""The database's own disk is full: who submits is told so, and nothing is half stored."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.session import ROOT

NAMESPACE = (
    ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--mount"]
)


def test_f28_a_submit_on_a_full_disk_is_refused_with_the_reason_and_the_next_is_taken_once_there_is_room(
    tmp_path: Path,
) -> None:
    """F28: a real PostgreSQL on a disk of 200 MB. What was not accepted is not there."""
    (tmp_path / "d").mkdir()
    command = [
        *NAMESPACE,
        sys.executable,
        "-W",
        "ignore",
        "-m",
        "tests.jobsite.full_disk",
        str(tmp_path / "d"),
    ]
    played = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert played.returncode == 0, played.stderr[-3000:]
    story = json.loads(played.stdout)
    *accepted, (status, words) = story["full"]
    assert (status, words.partition(",")[0]) == (503, "The database's disk is full")
    assert [one[0] for one in [*accepted, *story["after"]]] == [201] * (len(accepted) + 1)
    assert story["jobs"] == story["events"] == len(accepted) + 1
