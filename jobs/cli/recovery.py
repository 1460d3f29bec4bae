"""Recovery on the command line, for operators: every node is asked, and what each decided is printed."""

import time
from collections.abc import Iterator
from typing import Final

from jobs.cli.commands import Call
from jobs.cli.errors import OK, REFUSED
from jobs.cli.follow import pause
from jobs.cli.report import say
from jobs.cli.screen import safe
from jobs.cli.server import Sweep
from jobs.resources import count

PATIENCE: Final = 30.0
"""Seconds for the nodes to answer. What they do goes on without us."""
STEP: Final = 0.5


def recover(call: Call) -> int:
    """Ask, wait, print."""
    asked = call.server.ask_recovery(dry_run=call.given.dry_run)
    if asked["asked"] == 0:
        say("No node is live, so nobody heard it. A node sweeps by itself when it starts.")
        return REFUSED
    answered = 0
    for sweep in _answers(call, asked["after"], asked["asked"]):
        answered += 1
        print(*_lines(sweep), sep="\n", flush=True)
    if answered == asked["asked"]:
        return OK
    silent = asked["asked"] - answered
    say(f"{count(silent, 'node')} did not answer within {PATIENCE:g} s; the admin's ledger tells more.")
    return REFUSED


def _answers(call: Call, after: int, nodes: int) -> Iterator[Sweep]:
    """The sweeps that the nodes did for us, as they come."""
    until = time.monotonic() + PATIENCE
    while nodes and time.monotonic() < until:
        found = call.server.sweeps(after)
        for sweep in found:
            after = max(after, sweep["id"])
            if sweep["trigger"] == "operator" and sweep["dry_run"] == call.given.dry_run and nodes:
                nodes -= 1
                yield sweep
        if nodes and not found:
            pause(STEP)


def _lines(sweep: Sweep) -> Iterator[str]:
    node, done = safe(sweep["node"]), "recoverable" if sweep["dry_run"] else "recovered"
    for one in sweep["decisions"]:
        job = f"{node}: job {one['job']}.{one['attempt']} {safe(one['outcome'])}"
        yield ": ".join(safe(part) for part in (job, one["found"], one["action"], one["detail"]) if part)
    counts = f"{sweep['recovered']} {done}, {sweep['skipped']} skipped, {sweep['failed']} failed"
    yield f"{node}: {counts}{' (dry run: nothing was changed)' if sweep['dry_run'] else ''}"
