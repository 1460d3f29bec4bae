"""Worlds that differ in nothing that any step can look at are one: the exploration is smaller for it."""

from tests.model.setup import Setup
from tests.model.state import (
    ALIVE,
    GONE,
    HOLDING,
    KILLED,
    NO_OUTCOME,
    PLACED,
    REQUESTED,
    RUNNING,
    RUNS,
    TOMBSTONE,
    Attempt,
    Dispatches,
    Message,
    World,
    hands_with,
)


def reduced(setup: Setup, world: World) -> World:
    """The one that stands for it."""
    world = _without_past(setup, world)
    if world.dispatches:
        world = _without_old_looks(setup, world, world.dispatches)
    if world.look and "t20_lease_unread" not in setup.mutants and not _looks_on(world):
        world = world._replace(look=())
    if setup.schedulers:
        return world
    return _with_jobs_in_order(_with_nodes_in_order(world))


def _without_past(setup: Setup, world: World) -> World:
    """Forget of old attempts all but how often they started."""
    if setup.mutants & {"finish_no_attempt", "late_result_written"}:
        return world
    attempts = tuple(
        tuple(
            _forgotten(run) if run.node >= 0 and _is_past(world, job, number, run) else run
            for number, run in enumerate(runs, 1)
        )
        for job, runs in enumerate(world.attempts)
    )
    return world if attempts == world.attempts else world._replace(attempts=attempts)


def _forgotten(run: Attempt) -> Attempt:
    return Attempt(-1, 1, TOMBSTONE, GONE, KILLED, NO_OUTCOME, run.starts)


def _is_past(world: World, job: int, number: int, run: Attempt) -> bool:
    row = world.jobs[job]
    if row.attempt < number or (row.attempt == number and row.step in HOLDING):
        return False
    if run.process == RUNS or run.wrapper in ALIVE or run.wrapper == REQUESTED:
        return False
    return not any(hands_with(world, job, number, node) for node in range(len(world.hands)))


def _without_old_looks(setup: Setup, world: World, dispatches: Dispatches) -> World:
    """A look at a row that has moved on fails its compare-and-set."""
    seen = tuple(
        sorted(
            look if look and _would_win(setup, world, dispatches, look) else () for look in dispatches.seen
        )
    )
    if seen == dispatches.seen:
        return world
    return world._replace(dispatches=dispatches._replace(seen=seen))


def _would_win(setup: Setup, world: World, dispatches: Dispatches, look: tuple[int, ...]) -> bool:
    job, attempt, number, _ = look
    row = world.jobs[job]
    current = dispatches.numbers[job] == number or "t4_no_compare" in setup.mutants
    return row.step == PLACED and row.attempt == attempt and current


def _looks_on(world: World) -> bool:
    job, number = world.look
    return world.jobs[job].step in RUNNING and world.jobs[job].attempt == number


def _with_nodes_in_order(world: World) -> World:
    """Two nodes of which none has been used yet are told apart by nothing but their number."""
    nodes = world.nodes
    if len(nodes) < 2 or nodes[0] <= nodes[1] or world.messages or any(world.hands):
        return world
    if any(row.attempt for row in world.jobs):
        return world
    return world._replace(nodes=(nodes[1], nodes[0]))


def _with_jobs_in_order(world: World) -> World:
    if len(world.jobs) < 2 or (world.jobs[0], world.attempts[0]) <= (world.jobs[1], world.attempts[1]):
        return world
    return world._replace(
        jobs=(world.jobs[1], world.jobs[0]),
        attempts=(world.attempts[1], world.attempts[0]),
        messages=tuple(sorted(Message(1 - m.job, m.attempt, m.node) for m in world.messages)),
        hands=tuple(
            tuple(sorted(hand._replace(job=1 - hand.job) for hand in hands)) for hands in world.hands
        ),
        look=(1 - world.look[0], world.look[1]) if world.look else (),
    )
