"""Worlds that differ in nothing that any step can look at are one: the exploration is smaller for it."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

from tests.model.packing import View
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
    World,
    hands_with,
)
from tests.model.views import touched

LOOKING = frozenset({"exit_json_not_reread"})
"""Mutants that look at an attempt, and act on that later."""


class Stage(NamedTuple):
    """One of the differences, whether a world may have it, and the parts in which it is taken out."""

    differs: Callable[[World], bool] | None
    changes: tuple[Callable[[World], World], ...]
    views: Mapping[str, View] = {}


def stages_of(setup: Setup) -> list[Stage]:
    """All that there are in this setup, in the order in which they are taken out."""
    stages = []
    if not setup.mutants & {"finish_no_attempt", "late_result_written"}:
        stages.append(Stage(None, (_without_past,), {"hands": touched}))
    if setup.sequences:
        stages.append(Stage(None, (partial(_without_old_looks, setup),)))
    if setup.mutants & LOOKING:
        stages.append(Stage(_looks_back, (lambda world: world._replace(look=()),)))
    if setup.nodes == 2 and not setup.schedulers:
        stages.append(Stage(_is_unused, (_with_nodes_in_order,)))
    if setup.jobs == 2 and not setup.schedulers:
        stages.append(Stage(_jobs_are_out_of_order, TURNS))
    return stages


def reduced(setup: Setup, world: World) -> World:
    """The one that stands for it."""
    for stage in stages_of(setup):
        if stage.differs is None or stage.differs(world):
            for change in stage.changes:
                world = change(world)
    return world


def _without_past(world: World) -> World:
    """Forget of old attempts all but how often they started."""
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


def _without_old_looks(setup: Setup, world: World) -> World:
    """A look at a row that has moved on fails its compare-and-set."""
    dispatches = world.dispatches
    if not dispatches:
        return world
    seen = tuple(
        sorted(
            look if look and _would_win(setup, world, dispatches, look) else () for look in dispatches.seen
        )
    )
    return world._replace(dispatches=dispatches._replace(seen=seen))


def _would_win(setup: Setup, world: World, dispatches: Dispatches, look: tuple[int, ...]) -> bool:
    job, attempt, number, _ = look
    row = world.jobs[job]
    current = dispatches.numbers[job] == number or "t4_no_compare" in setup.mutants
    return row.step == PLACED and row.attempt == attempt and current


def _looks_back(world: World) -> bool:
    """A mutant has looked at an attempt that is over."""
    if len(world.look) < 2:
        return False
    job, number = world.look
    return world.jobs[job].step not in RUNNING or world.jobs[job].attempt != number


def _is_unused(world: World) -> bool:
    return not any(row.attempt for row in world.jobs)


def _with_nodes_in_order(world: World) -> World:
    """Two nodes of which none has been used yet are told apart by nothing but their number."""
    nodes = world.nodes
    if nodes[0] <= nodes[1] or world.messages or any(world.hands):
        return world
    return world._replace(nodes=(nodes[1], nodes[0]))


def _jobs_are_out_of_order(world: World) -> bool:
    return (world.jobs[0], world.attempts[0]) > (world.jobs[1], world.attempts[1])


def _with_rows_turned(world: World) -> World:
    return world._replace(jobs=world.jobs[::-1], attempts=world.attempts[::-1])


def _with_messages_turned(world: World) -> World:
    return world._replace(
        messages=tuple(sorted(message._replace(job=1 - message.job) for message in world.messages))
    )


def _with_hands_turned(world: World) -> World:
    turned = (tuple(sorted(hand._replace(job=1 - hand.job) for hand in hands)) for hands in world.hands)
    return world._replace(hands=tuple(turned))


def _with_look_turned(world: World) -> World:
    return world._replace(look=(1 - world.look[0], world.look[1])) if len(world.look) == 2 else world


TURNS = (_with_rows_turned, _with_messages_turned, _with_hands_turned, _with_look_turned)
"""The other job first."""
