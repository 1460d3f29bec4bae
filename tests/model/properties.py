"""What must hold: in every world, across every step, and of where things can still go.

The numbers are those of README's invariants. One assumption about time is made, for T20 alone: when a node's
last renewal is so old that others may requeue its jobs, every living wrapper of a requeue job there has ended
its tree, and none links or opens afterwards. Of dead wrappers, of worker threads, of requests still in the
launcher's socket nothing is assumed.
"""

from tests.model.setup import Setup
from tests.model.state import (
    ACTIVE,
    ALIVE,
    CANCELLED,
    COMPLETED,
    DEAF,
    DOWN,
    DRAIN,
    EXITED_0,
    FAILED,
    FINAL,
    HOLDING,
    IN_SERVICE,
    OUTCOME_0,
    PENDING,
    QUEUED,
    RECONCILING,
    REQUESTED,
    RUNNING,
    RUNS,
    UP,
    Job,
    World,
)
from tests.model.steps.dispatching import MOST_DISPATCHES


def broken_in(setup: Setup, world: World) -> str:
    """Which invariant this world breaks. Empty: none."""
    for job, row in enumerate(world.jobs):
        broken = _broken_by_runs(setup, world, job) or _broken_in_row(row)
        if broken:
            return broken
    return _broken_by_nodes(setup, world)


def _broken_by_runs(setup: Setup, world: World, job: int) -> str:
    starts = living = 0
    for number, run in enumerate(world.attempts[job], 1):
        if run.starts > 1:
            return "I1 an attempt started twice"
        starts += run.starts
        if run.process == RUNS:
            living += 1
            row = world.jobs[job]
            if world.nodes[run.node].service in IN_SERVICE:
                if row.step in FINAL:
                    return "I7 final, but a process lives on a node in service"
                if (row.attempt, row.node) != (number, run.node) or row.step not in RUNNING:
                    return "I8 a process of no live attempt on a node in service"
    if starts > 1 and not setup.requeue:
        return "I2 a job without requeue started twice"
    return "I3 two live processes of one job" if living > 1 else ""


def _broken_in_row(row: Job) -> str:
    held = row.allocation
    if row.step in FINAL and held:
        return "I4 final, but a resource is unreleased"
    if (row.step in HOLDING) != bool(held) or (held and (held.attempt, held.node) != (row.attempt, row.node)):
        return "I5 phase and allocation disagree"
    if row.step in PENDING and row.cancel:
        return "C1 PENDING with a cancel requested"
    if row.step == ACTIVE and row.cancel:
        return "C2 ACTIVE with a cancel requested"
    return "C3 a held job has a place" if row.held and row.step in HOLDING else ""


def _broken_by_nodes(setup: Setup, world: World) -> str:
    on = [row.allocation.node for row in world.jobs if row.allocation]
    for place, node in enumerate(world.nodes):
        if on.count(place) > setup.cpus:
            return "I6 node over-allocated"
        if node.service == UP and node.drained:
            return "D1 a drained node is UP without a person"
    return "I6 a limit across nodes is exceeded" if len(on) > setup.limit else ""


def broken_by(setup: Setup, before: World, label: str, after: World) -> str:
    """Which invariant this step breaks. Empty: none."""
    if setup.sequences and before.dispatches and after.dispatches:
        pairs = zip(before.dispatches.numbers, after.dispatches.numbers, strict=True)
        if any(later < earlier for earlier, later in pairs):
            return "I10 dispatch_seq fell"
        if label[:2] in ("T3", "T4") and any(after.messages.count(one) > 1 for one in after.messages):
            return "L4 one dispatch published twice"
    for job, (was, becomes) in enumerate(zip(before.jobs, after.jobs, strict=True)):
        broken = _broken_history(setup, before, job, was, becomes) or (
            _broken_end(before, label, job, was, becomes) if label[0] == "T" else ""
        )
        if broken:
            return broken
    thrown_away = label[:3] == "T16" and before.faults == setup.faults
    return "W1 an attempt is thrown away although nothing failed" if thrown_away else ""


def _broken_history(setup: Setup, before: World, job: int, was: Job, becomes: Job) -> str:
    if was is becomes:
        return ""
    if was.step in FINAL:
        taken = bool(becomes.allocation) and not was.allocation
        if (was.step, was.attempt) != (becomes.step, becomes.attempt) or taken:
            return "I9 a final row changed"
    if becomes.attempt < was.attempt:
        return "I10 attempt fell"
    if becomes.step == COMPLETED != was.step:
        run = before.attempts[job][becomes.attempt - 1]
        told = run.process == EXITED_0 or "forge" in setup.kinds  # who forges it could have ended so as well
        if run.outcome != OUTCOME_0 or not told:
            return "I14 COMPLETED without exit 0 and its evidence"
    return ""


def _broken_end(before: World, label: str, job: int, was: Job, becomes: Job) -> str:
    """What the agent records."""
    if was.step not in RUNNING or becomes.step not in FINAL:
        return ""
    run = before.attempts[job][becomes.attempt - 1]
    if label[:3] == "T17" and becomes.step in (FAILED, CANCELLED) and run.outcome:
        return "E1 SupervisorLost although exit.json is there"
    return "I7 recorded final while its process lives" if run.process == RUNS else ""


def is_watched(setup: Setup) -> bool:
    """Even where nothing is left that could matter, this mutant may do something."""
    mutants = setup.mutants
    return "late_result_written" in mutants or bool(mutants and "duplicate" in setup.kinds)


def is_over(world: World) -> bool:
    """Every job has ended, nothing runs, every node is in service: nobody needs to look further.

    If, that is, no message is on its way or in hand.
    """
    if any(row.step not in FINAL or row.allocation for row in world.jobs):
        return False
    runs = any(
        run.process == RUNS or run.wrapper in ALIVE or run.wrapper == REQUESTED
        for runs in world.attempts
        for run in runs
    )
    return not runs and all(node.service in IN_SERVICE for node in world.nodes)


def is_clean(setup: Setup, world: World, *, comes_back: bool) -> bool:
    """L1 to L3 and L5: every job has ended or waits for a true reason, and nothing is left behind.

    `comes_back`: all that was cut off or down is repaired.
    """
    nodes, bounded = world.nodes, _is_at_the_bound(world)
    serving = any(node.service == UP and node.lease and node.cut != DEAF for node in nodes)
    drained = all(node.service == DRAIN for node in nodes)
    waits = drained if comes_back else not serving
    for row in world.jobs:
        ended = row.step in FINAL or bounded
        excused = waits or row.held or row.attempt == setup.attempts
        may_wait = row.step == QUEUED and not row.cancel and excused
        if not ended and not may_wait:
            return False
    if not setup.sequences and any(row.allocation for row in world.jobs):
        return False
    if comes_back and any(node.service in (DOWN, RECONCILING) for node in nodes):
        return False
    return not any(
        run.process == RUNS and (comes_back or _serves(world, run.node))
        for runs in world.attempts
        for run in runs
    )


def _is_at_the_bound(world: World) -> bool:
    """The exploration ends here, not the protocol."""
    dispatches = world.dispatches
    return max(dispatches.numbers) >= MOST_DISPATCHES if dispatches else False


def _serves(world: World, place: int) -> bool:
    node = world.nodes[place]
    return node.service in IN_SERVICE and bool(node.lease)
