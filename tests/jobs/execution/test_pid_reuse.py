"""A pid that is used again is a stranger's."""

import json
import subprocess
import sys

from tests.session import ROOT

ROUNDS = 100
NAMESPACE = ("unshare", "-Urpf", "--kill-child", "--mount-proc")
"""Where the next pid can be chosen, and where nobody else is."""


def test_f59_f63_a_stranger_with_the_pid_of_a_dead_process_is_never_signalled_and_never_adopted() -> None:
    """F59, F63: also when the identity is right but for the boot, 100 of 100."""
    program = [sys.executable, "-m", "tests.jobs.execution.pid_reuse", str(ROUNDS)]
    ran = subprocess.run([*NAMESPACE, *program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout) == {"rounds": ROUNDS, "spared": ROUNDS, "complaints": []}
