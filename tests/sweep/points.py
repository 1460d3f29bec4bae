"""Every fault point of the code, found in its source; and those that one would look for in vain."""

import ast
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PACKAGES = ("jobs", "scheduler", "recovery")

CRITICAL = {
    *(f"submit.{at}" for at in ("before_commit", "after_commit")),
    *(f"alloc.{at}" for at in ("after_lock", "before_commit", "after_commit")),
    *(f"publish.{at}" for at in ("before", "after_cas", "after_send")),
    "consume.after_pop",
    *(f"claim.{at}" for at in ("before", "before_commit", "after_commit")),
    *(f"ticket.{at}" for at in ("before", "after_create", "after_fsync")),
    *(f"spawn.{at}" for at in ("before", "after_fork", "after_exec")),
    *(f"pid.{at}" for at in ("before_record", "after_record")),
    *(f"run.{at}" for at in ("limit_fired", "after_term", "after_kill")),
    *(f"exit.{at}" for at in ("after_wait", "after_tmp", "after_rename")),
    *(f"ingest.{at}" for at in ("before_commit", "after_commit")),
    *(f"recover.{at}" for at in ("after_scan", "after_tombstone", "after_commit")),
    *(f"cancel.{at}" for at in ("after_flag", "after_kill")),
    "rejoin.after_sweep",
    "lease.before_renew",
}
"""The places at which any platform of this kind can be torn in two."""

NOT_HERE = {
    "spawn.after_exec": "no process of ours sees the exec. The wrapper's last step before it is"
    " spawn.after_open, the child's own is spawn.before_exec",
}
"""Of those: why the code has no such place."""


def calls() -> Iterator[str]:
    """The name in each call of `faultpoint`, as often as it is there."""
    for package in PACKAGES:
        for file in sorted((ROOT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "faultpoint":
                    yield ast.literal_eval(node.args[0])


@cache
def points() -> list[str]:
    """All of them, in the order of their names. Raises ValueError for a name that two places share."""
    found = Counter(calls())
    shared = [name for name, number in found.items() if number > 1]
    if shared:
        raise ValueError(f"each fault point has a name of its own; these are shared: {shared}")
    return sorted(found)
