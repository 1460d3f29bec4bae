"""`verify_invariants` many times a minute: one process reads Django once, and evaluates when asked."""

import json
import subprocess
import sys
from collections.abc import Mapping

from tests.session import ROOT

CODE = """
import json, sys
import django
django.setup()
from django.db import connection
from recovery.invariants import verify
for _ in sys.stdin:
    print(json.dumps([f"{broken.invariant}: {broken.found}" for broken in verify()]), flush=True)
    connection.close()
"""


class Auditor:
    """Beside the platform, without its faults."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        told = {name: text for name, text in environment.items() if name != "JOBSITE_FAULTS"}
        self._process = subprocess.Popen(
            [sys.executable, "-c", CODE],
            cwd=ROOT,
            env={**told, "DJANGO_SETTINGS_MODULE": "jobsite.settings"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def violations(self) -> list[str]:
        """What is broken at this moment."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        found: list[str] = json.loads(self._process.stdout.readline())
        return found

    def end(self) -> None:
        """Let it go."""
        self._process.communicate()


def recover(environment: Mapping[str, str]) -> int:
    """`manage.py recover`, as an operator runs it; its exit code. Faults may kill it."""
    command = [sys.executable, "manage.py", "recover"]
    return subprocess.run(
        command, cwd=ROOT, env=dict(environment), capture_output=True, check=False
    ).returncode
