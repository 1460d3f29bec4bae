"""Nodes: leases run out and are renewed, T21 brings a node back, and what a person mends comes back."""

from collections.abc import Callable

from tests.model.setup import Setup
from tests.model.state import (
    ALIVE,
    BELIEVES,
    DEAD,
    DOWN,
    DRAIN,
    FENCED,
    FORKED,
    FRESH,
    FROZEN,
    GOES_ON,
    NO_TICKET,
    REACHES,
    RECONCILING,
    REQUESTED,
    RUNS,
    STALE,
    STANDS_STILL,
    STARTABLE,
    TOMBSTONE,
    UNSURE,
    UP,
    WORKS,
    Attempt,
    Node,
    Steps,
    World,
    acts,
    hands_with,
    is_live,
    with_attempt,
    with_node,
)
from tests.model.steps.agent import is_stray


def steps(setup: Setup, world: World) -> Steps:
    """For each node."""
    for place, node in enumerate(world.nodes):
        if acts(node):
            yield from _renew(setup, world, place)
            if node.service in (DOWN, RECONCILING):
                yield from _reconcile(setup, world, place)
        else:
            yield from _silence(setup, world, place)
        if "t20_lease_unread" in setup.mutants:
            yield from _long_seen_silent(world, place)
        if "drain" in setup.people and node.service == UP and not node.drained:
            yield f"~drain({place})", with_node(world, place, service=DRAIN, drained=1)
        yield from _come_back(world, place, node)


def fenced(world: World, node: int, doubtful: Callable[[int, int], bool]) -> World:
    """With a tombstone for every attempt here that is doubtful and could still start."""
    for job, runs in enumerate(world.attempts):
        for number, run in enumerate(runs, 1):
            unlinked = run.node == node and run.ticket == NO_TICKET
            if unlinked and doubtful(job, number) and _may_start(world, job, number, run):
                world = with_attempt(world, job, number, directory=1, ticket=TOMBSTONE)
    return world


def _may_start(world: World, job: int, number: int, run: Attempt) -> bool:
    asked = run.directory or run.wrapper in (REQUESTED, FORKED)
    return bool(asked) or any(hand.stage in STARTABLE for hand in hands_with(world, job, number, run.node))


def _silence(setup: Setup, world: World, place: int) -> Steps:
    """Time passes, and nobody renews."""
    node = world.nodes[place]
    if node.lease:
        fresh = FRESH if node.renewal == FRESH else STALE
        yield f"lease over({place})", with_node(world, place, lease=0, owes=0, renewal=fresh)
    elif setup.requeue and node.renewal == FRESH and node.machine != STANDS_STILL:
        yield f"renewal is old({place})", with_node(world, place, renewal=STALE)


def _renew(setup: Setup, world: World, place: int) -> Steps:
    """After a long silence, or when others have given the node up, late starts are refused first."""
    node = world.nodes[place]
    late = node.renewal == STALE and "renews_before_fencing" not in setup.mutants
    if node.owes:
        after = with_node(_without_late_starts(setup, world, place), place, owes=0, renewal=FRESH)
        yield f"refuses late starts({place})", after
    elif any(hand.stage == UNSURE for hand in world.hands[place]):
        return  # it has the lock
    elif late:
        after = with_node(_without_late_starts(setup, world, place), place, renewal=FENCED)
        yield f"fences late starts({place})", after
    elif not node.lease or node.renewal != FRESH or node.machine == BELIEVES:
        if node.service == DOWN and "renewal_ignores_down" not in setup.mutants:
            after = with_node(world, place, lease=1, owes=1, machine=GOES_ON)
            yield f"renews({place}, given up)", after
        else:
            yield f"renews({place})", with_node(world, place, lease=1, renewal=FRESH, machine=GOES_ON)


def _without_late_starts(setup: Setup, world: World, place: int) -> World:
    """What others may give up and run again, and what they have given up, starts no more."""
    return fenced(world, place, lambda job, number: setup.requeue or not is_live(world, job, number, place))


def _reconcile(setup: Setup, world: World, place: int) -> Steps:
    """T21, whether or not the lease is held: what has not started is fenced, then strays are looked for."""
    node, mutants = world.nodes[place], setup.mutants
    if node.accounted and (node.service == RECONCILING or "t21_overwrites" in mutants):
        to = DRAIN if node.drained and "t21_forgets_drain" not in mutants else UP
        yield f"T21 up({place})", with_node(world, place, service=to, accounted=0)
    elif node.service == DOWN:
        to = UP if "t21_no_reconcile" in mutants else RECONCILING
        yield f"T21 reconciling({place})", with_node(world, place, service=to, accounted=0)
    elif "t21_no_stray_kill" in mutants or not _has_strays(setup, world, place):
        yield f"T21 accounts({place})", with_node(_fenced_dead(setup, world, place), place, accounted=1)


def _fenced_dead(setup: Setup, world: World, place: int) -> World:
    if "t21_no_fence" in setup.mutants:
        return world
    return fenced(world, place, lambda job, number: not is_live(world, job, number, place))


def _has_strays(setup: Setup, world: World, place: int) -> bool:
    counted = frozenset[str]() if "t21_process_only" in setup.mutants else ALIVE
    return any(
        run.node == place
        and (run.process == RUNS or run.wrapper in counted)
        and is_stray(setup, world, job, number, place)
        for job, runs in enumerate(world.attempts)
        for number, run in enumerate(runs, 1)
    )


def _long_seen_silent(world: World, place: int) -> Steps:
    """A mutant's decider remembers that the node was silent, and will not look again."""
    node = world.nodes[place]
    wrappers = any(run.node == place and run.wrapper in ALIVE for runs in world.attempts for run in runs)
    if not world.look and not node.lease and node.renewal != FRESH and not wrappers:
        yield f"decider has seen 90 s({place})", world._replace(look=(place,))


def _come_back(world: World, place: int, node: Node) -> Steps:
    if node.cut:
        yield f"^heals({place})", with_node(world, place, cut=REACHES)
    if node.machine == STANDS_STILL:
        yield f"^goes on({place})", with_node(world, place, machine=GOES_ON if node.lease else BELIEVES)
    if node.worker == FROZEN:
        yield f"^thaws({place})", with_node(world, place, worker=WORKS)
    changed = node.boot or node.spool  # not as in the lease: it must be over first
    if node.worker == DEAD and (not node.lease or not changed):
        yield f"^restarts({place})", with_node(world, place, worker=WORKS)
