"""A worker takes a message, claims its job (T7), makes its directory and asks the launcher (T8)."""

from tests.model.setup import Setup
from tests.model.state import (
    BELIEVES,
    CLAIMED,
    CUT,
    DELIVERED,
    FENCED,
    GONE,
    MADE,
    NO_TICKET,
    NO_WRAPPER,
    PLACED,
    QUEUED,
    REACHES,
    REQUESTED,
    RUNNING,
    RUNS,
    STARTING,
    SUPERVISES,
    UNSURE,
    WAITS,
    Hand,
    Steps,
    World,
    acts,
    is_awake,
    is_live,
    spend,
    with_attempt,
    with_hand,
    with_hands,
    with_job,
    with_messages,
)

THREADS = 2


def take(setup: Setup, world: World) -> Steps:
    """Messages are delivered to threads that are free."""
    for index, message in enumerate(world.messages):
        node = world.nodes[message.node]
        again = index and world.messages[index - 1] == message
        hands = world.hands[message.node]
        if not again and acts(node) and node.cut == REACHES and len(hands) < THREADS:
            after = with_messages(world, world.messages[:index] + world.messages[index + 1 :])
            hand = Hand(DELIVERED, message.job, message.attempt)
            label = f"delivered({message.job}.{message.attempt} to {message.node})"
            yield label, with_hands(after, message.node, (*hands, hand))


def go_on(setup: Setup, world: World) -> Steps:
    """What the threads that took some do next."""
    for place, hands in enumerate(world.hands):
        if hands and is_awake(world.nodes[place]):
            for index, hand in enumerate(hands):
                if not index or hands[index - 1] != hand:
                    yield from _go_on(setup, world, place, index)


def _go_on(setup: Setup, world: World, node: int, index: int) -> Steps:
    hand = world.hands[node][index]
    silent = world.nodes[node].cut == CUT
    match hand.stage:
        case "delivered" if not silent:
            yield from _claim(setup, world, node, index)
        case "unsure":
            yield _read_again(world, node, index)
        case "claimed":
            yield from _make(setup, world, node, index)
        case "made":
            yield from _ask_launcher(setup, world, node, index)
        case "waits":
            if _is_answered(setup, world, node, hand):
                yield f"launched({hand.job}.{hand.attempt})", with_hand(world, node, index)


def _claim(setup: Setup, world: World, node: int, index: int) -> Steps:
    _, job, number, late = world.hands[node][index]
    there, row = world.nodes[node], world.jobs[job]
    if _is_locked(world, node) and "claims_unlocked" not in setup.mutants:
        return
    if not there.lease and there.machine != BELIEVES:
        yield f"dropped({job}.{number}, without a lease)", with_hand(world, node, index)
    if not _may_claim(setup, world, node, job, number):
        yield f"dropped({job}.{number})", with_hand(world, node, index)
        return
    given = row.allocation and row.allocation._replace(boot=there.boot, spool=there.spool, identity=0)
    after = with_attempt(with_job(world, job, step=STARTING, allocation=given), job, number, node=node)
    yield (
        f"T7 start({job}.{number} on {node})",
        with_hand(after, node, index, Hand(CLAIMED, job, number, late)),
    )
    if "commit" in setup.kinds and world.faults:
        after = spend(after)
        unsure = Hand(UNSURE, job, number, late)
        yield f"!T7 start({job}.{number}, unsure)", with_hand(after, node, index, unsure)
        yield f"!T7 start({job}.{number}, lands after the second look)", with_hand(after, node, index)
        yield f"!T7 is not written({job}.{number}, unsure)", with_hand(spend(world), node, index, unsure)


def _is_locked(world: World, node: int) -> bool:
    """The agent is renewing, or another thread does not know yet what has become of its claim."""
    renewing = world.nodes[node].renewal == FENCED or world.nodes[node].owes
    return bool(renewing) or any(hand.stage == UNSURE for hand in world.hands[node])


def _may_claim(setup: Setup, world: World, node: int, job: int, number: int) -> bool:
    """The compare-and-set of T7."""
    row = world.jobs[job]
    steps = {PLACED}
    if "claim_state_in_pending_running" in setup.mutants:
        steps |= RUNNING
    if "claim_queued" in setup.mutants:
        steps |= {QUEUED}
    return (
        row.step in steps
        and (row.attempt == number or "claim_no_attempt" in setup.mutants)
        and (row.node == node or "claim_no_node" in setup.mutants)
        and number <= setup.attempts
    )


def _read_again(world: World, node: int, index: int) -> tuple[str, World]:
    """The commit's outcome is unknown: the row is read again, or cannot be for too long."""
    _, job, number, late = world.hands[node][index]
    if world.nodes[node].cut != CUT and is_live(world, job, number, node):
        after = with_hand(world, node, index, Hand(CLAIMED, job, number, late))
        return f"read again: claimed({job}.{number})", after
    return f"read again: dropped({job}.{number})", with_hand(world, node, index)


def _make(setup: Setup, world: World, node: int, index: int) -> Steps:
    _, job, number, late = world.hands[node][index]
    if world.attempts[job][number - 1].directory and "mkdir_exist_ok" not in setup.mutants:
        yield f"T8 mkdir: exists({job}.{number})", with_hand(world, node, index)
    else:
        after = with_attempt(world, job, number, directory=1)
        yield f"T8 mkdir({job}.{number})", with_hand(after, node, index, Hand(MADE, job, number, late))


def _ask_launcher(setup: Setup, world: World, node: int, index: int) -> Steps:
    _, job, number, late = world.hands[node][index]
    run = world.attempts[job][number - 1]
    if run.wrapper == NO_WRAPPER:
        after = with_attempt(world, job, number, wrapper=REQUESTED)
        yield f"T8 request({job}.{number})", with_hand(after, node, index, Hand(WAITS, job, number, late))
    elif "no_ticket" in setup.mutants and run.wrapper == SUPERVISES and run.process == RUNS:
        after = with_attempt(world, job, number, starts=2)
        yield f"second wrapper starts({job}.{number})", with_hand(after, node, index)
    else:
        yield f"second wrapper: no ticket({job}.{number})", with_hand(world, node, index)


def _is_answered(setup: Setup, world: World, node: int, hand: Hand) -> bool:
    """The launcher has answered, or has hung up."""
    run = world.attempts[hand.job][hand.attempt - 1]
    if "observer_keeps_hand" in setup.mutants:
        return run.wrapper == NO_WRAPPER or not is_live(world, hand.job, hand.attempt, node)
    return run.ticket != NO_TICKET or run.wrapper in (NO_WRAPPER, GONE) or not run.directory
