"""Is the promise kept? `manage.py verify_invariants` as an operator runs it."""

import subprocess
import sys
from collections.abc import Mapping

from tests.eventually import eventually
from tests.session import ROOT

KEPT = "verify_invariants=0"


def verify(environment: Mapping[str, str]) -> str:
    """What the command prints, its complaints included."""
    done = subprocess.run(
        [sys.executable, "manage.py", "verify_invariants"],
        cwd=ROOT,
        env=dict(environment),
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stderr + done.stdout


def is_kept(environment: Mapping[str, str], within: float = 60.0) -> None:
    """Wait until it is: a look while something is just ending may find a row and a process that disagree."""
    seen = [""]

    def no_violation() -> bool:
        seen[0] = verify(environment)
        return seen[0].strip().endswith(KEPT)

    eventually(no_violation, within=within, every=0.3, what=lambda: f"{KEPT}: {seen}")
    sys.stdout.write(f"{KEPT}\n")
