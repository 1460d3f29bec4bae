"""Tries out what this machine lets us do to a job, once at the agent's start, in a process of its own.

The trials themselves are jobs.execution.trials.
"""

import json
import subprocess
import sys
from dataclasses import dataclass, fields
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
CODE = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from jobs.execution.trials import main; main()"
PATIENCE = 10.0


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What was seen. The defaults are those of a trial that could not be held."""

    home: str = ""
    """The group in which the attempts' groups are made; empty: none can be had."""
    refused: str = "it could not be tried out"
    """Why there is no group, as the end of a sentence."""
    groups_kill: bool = False
    """A daemon with a session of its own was killed with its group, at once."""
    groups_hold_memory: bool = False
    """A process that took more than its group's memory was killed by the kernel, which counted that."""
    groups_hold_cpus: bool = False
    """A process could not bind itself to a CPU outside of its group's."""
    binds: bool = False
    """A process was bound to one CPU."""
    reaps: bool = False
    """A daemon that left its parent fell to the process that had started them."""
    kills: bool = False
    """A process that ignores TERM was killed through its pidfd, and a clock goes on through a suspend."""
    measures: bool = False
    """The memory of another process could be read."""
    cpus: tuple[int, ...] = ()
    """The CPUs on which this process may run."""


def hold(spool_id: str, *, groups: bool) -> Facts:
    """Hold the trial. One that fails or hangs has shown nothing, and the node starts all the same."""
    command = [sys.executable, "-I", "-S", "-c", CODE, spool_id, "auto" if groups else "off"]
    try:
        answer = subprocess.run(command, capture_output=True, timeout=PATIENCE, check=True, cwd="/")
        told = json.loads(answer.stdout)
        told["cpus"] = tuple(told["cpus"])
        return Facts(**{field.name: told[field.name] for field in fields(Facts)})
    except (OSError, subprocess.SubprocessError, ValueError, KeyError, TypeError):
        return Facts()
