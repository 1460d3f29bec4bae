"""The scheduler: T2, at once or in two steps with a leader's term."""

from tests.model.setup import Setup
from tests.model.state import (
    DEAF,
    PLACED,
    QUEUED,
    UNTOLD,
    UP,
    Allocation,
    Job,
    Leaders,
    Steps,
    World,
    spend,
    with_attempt,
    with_job,
)


def steps(setup: Setup, world: World) -> Steps:
    """A place for a queued job; in a race of two schedulers also what leads there."""
    if not world.leaders:
        for job, row in enumerate(world.jobs):
            if _waits(setup, row) and not row.allocation:
                for node in _nodes_for(setup, world):
                    yield f"T2 place({job}.{row.attempt + 1} on {node})", placed(world, job, node)
        return
    for who in (0, 1):
        yield from _of_one(setup, world, world.leaders, who)
    if world.leaders.live and world.faults and "leader" in setup.kinds:
        yield "!leader stops", spend(world)._replace(leaders=world.leaders._replace(live=0))


def placed(world: World, job: int, node: int) -> World:
    """The next attempt has its place and its allocation."""
    number = world.jobs[job].attempt + 1
    given = Allocation(number, node)
    after = with_job(world, job, step=PLACED, attempt=number, node=node, told=UNTOLD, allocation=given)
    return with_attempt(after, job, number, node=node)


def fits(setup: Setup, world: World, node: int) -> bool:
    """The node takes a job: in service, lease held, hears the broker, room left."""
    there = world.nodes[node]
    taken = sum(1 for row in world.jobs if row.allocation and row.allocation.node == node)
    hears = there.cut != DEAF or "deaf_gets_jobs" in setup.mutants
    return bool(there.lease) and there.service == UP and taken < setup.cpus and hears


def _waits(setup: Setup, row: Job) -> bool:
    allowed = not row.held or "t2_ignores_hold" in setup.mutants
    return row.step == QUEUED and row.attempt < setup.attempts and allowed


def _nodes_for(setup: Setup, world: World) -> list[int]:
    """Those that fit. Of two that are alike before anything has happened, one will do."""
    fresh = not any(row.attempt for row in world.jobs)
    alike = fresh and len(world.nodes) > 1 and world.nodes[0] == world.nodes[1]
    return [node for node in range(1 if alike else setup.nodes) if fits(setup, world, node)]


def _of_one(setup: Setup, world: World, leaders: Leaders, who: int) -> Steps:
    term, plan = leaders.schedulers[who]
    leads = leaders.live and leaders.term == term
    if not leaders.live and leaders.term < 3:
        new = leaders.term + 1
        yield f"leads(scheduler {who})", _believes(world, Leaders(who, new, 1, leaders.schedulers), who, new)
    if plan:
        yield from _carry_out(setup, world, leaders, who)
    elif term:
        yield from _plan(setup, world, leaders, who)
        if not leads and leaders.holder != who:
            yield f"steps down(scheduler {who})", _believes(world, leaders, who, 0)


def _believes(world: World, leaders: Leaders, who: int, term: int, *plan: int) -> World:
    mine = (*leaders.schedulers[:who], (term, plan), *leaders.schedulers[who + 1 :])
    return world._replace(leaders=leaders._replace(schedulers=mine))


def _plan(setup: Setup, world: World, leaders: Leaders, who: int) -> Steps:
    """From a snapshot, and believing that it leads."""
    term = leaders.schedulers[who][0]
    if sum(1 for row in world.jobs if row.allocation) >= setup.limit:
        return
    planned = any(plan for _, plan in leaders.schedulers)
    for job, row in enumerate(world.jobs):
        if not _waits(setup, row):
            continue
        for node in range(setup.nodes) if planned else _nodes_for(setup, world):
            if fits(setup, world, node):
                after = _believes(world, leaders, who, term, job, row.attempt, node)
                yield f"plans(scheduler {who}: {job} on {node})", after


def _carry_out(setup: Setup, world: World, leaders: Leaders, who: int) -> Steps:
    """The leader's row first, then the nodes locked and read, then the compare-and-set on the job."""
    term, (job, seen, node) = leaders.schedulers[who]
    row = world.jobs[job]
    leads = leaders.live and leaders.term == term
    allowed = (leads or "no_term" in setup.mutants) and (
        "no_node_lock" in setup.mutants or fits(setup, world, node)
    )
    unmoved = row.step == QUEUED and row.attempt == seen and not row.held and not row.allocation
    after = _believes(world, leaders, who, term)
    if allowed and unmoved:
        yield f"T2 place({job}.{seen + 1} on {node}, scheduler {who})", placed(after, job, node)
    else:
        yield f"drops its plan(scheduler {who})", after if leads else _believes(world, leaders, who, 0)
