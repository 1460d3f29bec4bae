"""Placed jobs: T3 and T4 send their message, T4b takes their place back."""

from tests.model.setup import Setup
from tests.model.state import (
    DEAF,
    DOWN,
    DRAIN,
    FORSAKEN,
    PLACED,
    QUEUED,
    TOLD,
    UNTOLD,
    Dispatches,
    Job,
    Message,
    Steps,
    World,
    spend,
    with_job,
    with_messages,
)

MOST_DISPATCHES = 6
MOST_UNSTARTED = 3
"""Counted so far."""


def steps(setup: Setup, world: World) -> Steps:
    """For each placed job."""
    for job, row in enumerate(world.jobs):
        if row.step != PLACED:
            continue
        if world.dispatches:
            yield from _by_number(setup, world, job, world.dispatches)
        else:
            yield from _send(setup, world, job, row)
        if _is_taken_back(setup, world, row):
            yield f"T4b return_to_queue({job}.{row.attempt})", returned(world, job)


def returned(world: World, job: int) -> World:
    """In the queue again, with one more attempt that never ran."""
    unstarted = min(world.jobs[job].unstarted + 1, MOST_UNSTARTED)
    return with_job(world, job, step=QUEUED, allocation=(), unstarted=unstarted)


def published(setup: Setup, world: World, message: Message) -> World:
    """With this message in its node's queue, within the bounds of the exploration."""
    in_queue = sum(1 for other in world.messages if other.node == message.node)
    if in_queue >= setup.most_messages or world.messages.count(message) >= 2:
        return world
    return with_messages(world, (*world.messages, message))


def _is_taken_back(setup: Setup, world: World, row: Job) -> bool:
    """T4b: its node cannot start it."""
    if "reap_placed" in setup.mutants:
        return True
    node = world.nodes[row.node]
    out = node.service in (DOWN, DRAIN) and "t4b_lease_only" not in setup.mutants
    deaf = node.cut == DEAF and "deaf_gets_jobs" not in setup.mutants
    return (not node.lease or out or deaf) and "no_t4b" not in setup.mutants


def _send(setup: Setup, world: World, job: int, row: Job) -> Steps:
    message = Message(job, row.attempt, row.node)
    if row.told == UNTOLD:
        yield f"T3 dispatch({job}.{row.attempt})", with_job(published(setup, world, message), job, told=TOLD)
        if world.faults and "publisher" in setup.kinds:
            yield f"!T3 dies before its write({job})", with_job(spend(world), job, told=FORSAKEN)
            yield f"!T3 dies after its write({job})", with_job(spend(world), job, told=TOLD)
    elif _is_absent(setup, world, row, message):
        after = with_job(published(setup, world, message), job, told=TOLD)
        yield f"T4 dispatch({job}.{row.attempt})", after


def _is_absent(setup: Setup, world: World, row: Job, message: Message) -> bool:
    """Recovery's look into the broker: by job and attempt, in this node's queue."""
    if "no_t4" in setup.mutants or (row.told != TOLD and "t4_wants_dispatched_at" in setup.mutants):
        return False
    if "t4_no_probe" in setup.mutants:
        return True
    if "t4_job_only_all_queues" in setup.mutants:
        return all(other.job != message.job for other in world.messages)
    if "t4_job_only" in setup.mutants:
        return all((other.job, other.node) != (message.job, message.node) for other in world.messages)
    return message not in world.messages


def _by_number(setup: Setup, world: World, job: int, dispatches: Dispatches) -> Steps:
    """T3 and T4 in two steps: look, and remember attempt and number; then win the number, and publish."""
    row = world.jobs[job]
    if row.told == UNTOLD:
        message = Message(job, row.attempt, row.node)
        sent = with_job(published(setup, world, message), job, told=TOLD)
        yield f"T3 dispatch({job}.{row.attempt})", _numbered(sent, job, dispatches)
        if world.faults and "publisher" in setup.kinds:
            yield f"!T3 dies before its write({job})", with_job(spend(world), job, told=FORSAKEN)
            after = _numbered(with_job(spend(world), job, told=TOLD), job, dispatches)
            yield f"!T3 dies after its write({job})", after
    for who, seen in enumerate(dispatches.seen):
        if not seen and row.told:
            yield from _look(world, job, dispatches, who)
        elif seen and seen[0] == job:
            current = (row.attempt, dispatches.numbers[job]) == seen[1:3]
            if current or "t4_no_compare" in setup.mutants:
                after = published(setup, world, Message(job, seen[1], seen[3]))
                after = _numbered(after, job, _seeing(dispatches, who))
                yield f"T4 dispatch({job}.{seen[1]}, recoverer {who})", after


def _look(world: World, job: int, dispatches: Dispatches, who: int) -> Steps:
    row, number = world.jobs[job], dispatches.numbers[job]
    if Message(job, row.attempt, row.node) not in world.messages and number < MOST_DISPATCHES:
        after = _seeing(dispatches, who, job, row.attempt, number, row.node)
        yield f"looks: absent({job}.{row.attempt}, recoverer {who})", world._replace(dispatches=after)


def _seeing(dispatches: Dispatches, who: int, *seen: int) -> Dispatches:
    return dispatches._replace(seen=(*dispatches.seen[:who], seen, *dispatches.seen[who + 1 :]))


def _numbered(world: World, job: int, dispatches: Dispatches) -> World:
    numbers = dispatches.numbers
    number = min(numbers[job] + 1, MOST_DISPATCHES)
    numbers = (*numbers[:job], number, *numbers[job + 1 :])
    return world._replace(dispatches=dispatches._replace(numbers=numbers))
