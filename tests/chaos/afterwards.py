"""What is found when a round is over: rows, processes, spools, groups, logs."""

import time
from typing import TYPE_CHECKING, Final

from jobs.execution import procfs
from tests.chaos import oracle, scripts, tracebacks
from tests.chaos.oracle import Record
from tests.chaos.rows import Rows
from tests.chaos.witness import Pair
from tests.chaos.world import World, pause
from tests.remains import lasting_processes_of

if TYPE_CHECKING:
    from tests.chaos.round import Round

SETTLING: Final = 60.0
"""Seconds: a look while something is just ending may find a row and a process that disagree."""
NEVER: Final = (
    "started_twice", "lost", "false_ok", "rewrites", "overlapping", "broken_meanwhile", "doubled",
    "strangers_signalled", "odd_testimony",
)  # fmt: skip
"""What may not be at any moment, whatever is broken."""
HELD: Final = (
    "SELECT 'allocation of ' || job_id || '.' || attempt FROM jobs_resourceallocation"
    " WHERE status <> 'RELEASED'"
    " UNION ALL SELECT 'GPU of allocation ' || allocation_id FROM jobs_allocatedgpu WHERE NOT released"
)
CPUS: Final = "SELECT coalesce(sum(cpus), 0)::int FROM jobs_resourceallocation WHERE status <> 'RELEASED'"


def judge_safety(going: "Round") -> dict[str, list[str]]:
    """What must be true while faults last. Raises psycopg.Error when the database is away."""
    found = oracle.judge(_seen(going))
    return {name: found[name] for name in NEVER}


def collect(going: "Round") -> Record:
    """All of it, when nothing lasts any more."""
    world = going.world
    violations = _violations(world)
    going.watcher.compare_all()
    record = _seen(going)
    record.violations = violations
    record.strays = _strays(world)
    with Rows(world.database_url) as rows:
        record.held = [found[0] for found in rows.ask(HELD)] + _groups(world)
        record.cpus_held = rows.ask(CPUS)[0][0]
    record.directories = _directories(world)
    record.tracebacks = tracebacks.read(world.logs)
    record.harness = [*going.watcher.failed]
    return record


def _seen(going: "Round") -> Record:
    ledger = going.crowd.ledger
    with Rows(going.world.database_url) as rows:
        found = rows.jobs()
    testimony = going.testimony  # after the rows: who is over by its row has told by now
    going.outputs.look({row.id: row for row in found if row.is_final})
    with ledger.lock:
        return Record(
            planned={job.number: job for job in going.schedule.jobs},
            acknowledged={number: set(ids) for number, ids in ledger.acknowledged.items()},
            refused=dict(ledger.refused),
            cancels=set(ledger.cancels),
            rows=found,
            testimony=testimony,
            injuries=going.injuries,
            rewrites=[*going.watcher.rewrites],
            overlaps=sorted(going.watcher.overlaps),
            broken=sorted(going.watcher.broken),
            signalled=[*going.strangers.signalled],
            output_sizes=dict(going.outputs.sizes),
            loud_bytes=scripts.LOUD_MB << 20,
        )


def _violations(world: World) -> list[str]:
    """Of every invariant, as an operator sees them; the last look, if it does not get better."""
    deadline = time.monotonic() + SETTLING
    while True:
        done = world.manage("verify_invariants")
        lines = (done.stderr + done.stdout).strip().splitlines()
        if lines[-1:] == ["verify_invariants=0"]:
            return []
        if time.monotonic() > deadline:
            return lines or ["it said nothing"]
        pause(1.0)
        world.tend()


def _strays(world: World) -> list[str]:
    """What lives in the round's directory and is no process of the platform."""
    found = lasting_processes_of(world.directory, after=10.0)
    roots = [one.pid for one in world.kept.values()]
    ours = {*roots, *(pid for root in roots for pid, _ in procfs.descendants(root))}
    return [f"{pid}: {command}" for pid, command in found if pid not in ours]


def _groups(world: World) -> list[str]:
    return [f"control group {group}" for node in world.nodes.values() for group in node.groups()]


def _directories(world: World) -> list[Pair]:
    return [one.pair for node in world.nodes.values() for one in node.spool.attempts()]
