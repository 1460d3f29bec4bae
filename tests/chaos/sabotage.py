"""Does to a round, behind everybody's back, what its oracle must see: each zero that looks at the world.

`python -m tests.chaos --sabotage` plays a small round without faults, does all of this at its end, and fails
when one of them is not found. What a unit test tells the oracle, it has to find out here by itself.
"""

import os
import subprocess
from collections.abc import Callable
from signal import SIGSTOP, SIGTERM
from typing import TYPE_CHECKING, Final

from tests.chaos.rows import Rows
from tests.chaos.witness import Pair
from tests.chaos.world import pause
from tests.client import Client

if TYPE_CHECKING:
    from tests.chaos.round import Round

UNKNOWN_JOB: Final = 10**6
SEEN_AFTER: Final = 6.0
"""Seconds in which the watcher has looked at everything."""
RELEASED_AGAIN: Final = (
    "UPDATE jobs_resourceallocation SET status = 'ALLOCATED', released_at = NULL, started_at = allocated_at"
    " WHERE id = (SELECT max(id) FROM jobs_resourceallocation) RETURNING id"
)
TWO: Final = "SELECT id, attempt FROM jobs_job WHERE state = 'COMPLETED' AND NOT requeue ORDER BY id LIMIT 2"
REWRITTEN: Final = (
    "UPDATE jobs_job SET state = 'FAILED', reason = 'TimeLimit', exit_code = NULL"
    " WHERE id = (SELECT max(id) FROM jobs_job WHERE state = 'COMPLETED') RETURNING id"
)
SEEN: Final = (
    "started_twice", "lost", "stuck", "false_ok", "strays", "cpus_leaked", "verify_invariants", "rewrites",
    "overlapping", "broken_meanwhile", "unexplained_ends", "doubled", "unasked", "leaked",
    "orphan_directories", "strangers_signalled", "tracebacks", "odd_testimony",
)  # fmt: skip
"""All but what needs a web that refuses, and a harness that fails."""


def do(going: "Round") -> None:
    """All of it. The agents stand still meanwhile: they would mend some of it before anybody looks."""
    for node in going.world.nodes.values():
        node.worker.send(SIGSTOP)
    with Rows(going.world.database_url) as rows:
        first, second = rows.ask(TWO)
    for one in (_forge_testimony, _forge_rows, _leave_processes, _leave_files, _submit_beside):
        act: Callable[[Round, Pair, Pair], None] = one
        act(going, first, second)
    going.strangers.look()
    os.kill(going.strangers.living[0], SIGTERM)
    for _ in range(int(SEEN_AFTER / 0.05)):
        pause()


def _forge_testimony(going: "Round", first: Pair, second: Pair) -> None:
    with going.witness.open("a") as witness:
        witness.write(f"start {first[0]} {first[1]} 1 1 -\nend {second[0]} {second[1]} 1 1 5\nnothing\n")
    with going.crowd.ledger.lock:
        going.crowd.ledger.acknowledged[0].add(UNKNOWN_JOB)


def _forge_rows(going: "Round", first: Pair, second: Pair) -> None:
    with Rows(going.world.database_url) as rows:
        assert rows.ask(RELEASED_AGAIN)
        assert rows.ask(REWRITTEN)


def _leave_processes(going: "Round", first: Pair, second: Pair) -> None:
    """Two attempts of one job, and each of them a stray."""
    spool_id = going.world.nodes["n1"].spool.spool_id
    for attempt in (1, 2):
        subprocess.Popen(
            ["sleep", "600"],
            cwd=going.world.directory,
            env={"PATH": os.defpath, "JOBSITE_TOKEN": f"{spool_id}.{first[0]}.{attempt}"},
            start_new_session=True,
        )


def _leave_files(going: "Round", first: Pair, second: Pair) -> None:
    (going.world.nodes["n1"].spool_path / f"{UNKNOWN_JOB}.1").mkdir()
    with (going.world.logs / "beat.log").open("a") as log:
        log.write('\nTraceback (most recent call last):\n  File "x.py", line 1, in x\nKeyError: 1\n')


def _submit_beside(going: "Round", first: Pair, second: Pair) -> None:
    """A job that nobody planned, and one more that never ends and counts as the first one's."""
    client = Client(going.world.urls[0], going.world.token)
    client.submit("true", hold=True)
    held = client.submit("true", hold=True)
    with going.crowd.ledger.lock:
        going.crowd.ledger.acknowledged[0].add(held)


def overlooked(found: dict[str, list[str]]) -> list[str]:
    """The zeros that stayed zero."""
    return [name for name in SEEN if not found[name]]
