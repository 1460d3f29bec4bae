"""What may go wrong, as often as the setup allows."""

from tests.model.setup import Setup
from tests.model.state import (
    ALIVE,
    CUT,
    DEAD,
    DEAF,
    FORKED,
    FRESH,
    FROZEN,
    GOES_ON,
    GONE,
    KILLED,
    LINKED,
    NO_OUTCOME,
    NO_TICKET,
    OUTCOME_0,
    REQUESTED,
    RUNNING,
    RUNS,
    STALE,
    STANDS_STILL,
    STOPPED,
    SUPERVISES,
    WORKS,
    WRAPPERS,
    Message,
    Steps,
    World,
    spend,
    with_attempt,
    with_hands,
    with_messages,
    with_node,
)
from tests.model.steps.dispatching import published

HIGHEST_BOOT = 2


def of_services(setup: Setup, world: World) -> Steps:
    """A node's worker, and what it can reach."""
    for node in range(setup.nodes if world.faults else 0):
        yield from _of_node(setup, spend(world), node)


def of_machines(setup: Setup, world: World) -> Steps:
    """A node itself, and its disk."""
    for node in range(setup.nodes if world.faults else 0):
        yield from _of_machine(setup, spend(world), node)


def of_attempts(setup: Setup, world: World) -> Steps:
    """Wrapper, launcher and directory."""
    if world.faults:
        yield from _of_attempts(setup, spend(world))


def of_broker(setup: Setup, world: World) -> Steps:
    """It loses all that it has."""
    if "flush" in setup.kinds and world.faults and world.messages:
        yield "!broker loses all", with_messages(spend(world), ())


def of_messages(setup: Setup, world: World) -> Steps:
    """Twice, late, or forged."""
    if "duplicate" in setup.kinds and world.faults:
        yield from _messages(setup, spend(world))


def _of_node(setup: Setup, world: World, place: int) -> Steps:
    node, kinds = world.nodes[place], setup.kinds
    if "deaf" in kinds and not node.cut:
        yield f"!broker out of reach({place})", with_node(world, place, cut=DEAF)
    if "partition" in kinds and not node.cut:
        yield f"!cut off({place})", with_node(world, place, cut=CUT)
    if "worker" in kinds and node.worker != DEAD and node.machine != STANDS_STILL:
        yield f"!worker killed({place})", _without_worker(world, place)
    if "pause" in kinds and node.machine == GOES_ON:
        yield f"!machine stands still({place})", with_node(world, place, machine=STANDS_STILL)
    if "freeze" in kinds and node.worker == WORKS:
        after = with_node(world, place, worker=FROZEN)
        late = [hand._replace(late=1) for hand in world.hands[place]]
        yield f"!worker frozen({place})", with_hands(after, place, late) if late else after


def _of_machine(setup: Setup, world: World, place: int) -> Steps:
    node = world.nodes[place]
    if "reboot" in setup.kinds and node.boot < HIGHEST_BOOT:
        yield f"!reboot({place})", _rebooted(with_node(world, place, boot=node.boot + 1), place)
    if "spool" in setup.kinds and node.spool < 1:
        after = with_node(_without_worker(world, place), place, spool=node.spool + 1)
        for job, runs in enumerate(world.attempts):
            for number, run in enumerate(runs, 1):
                if run.node == place:
                    lives = run.wrapper in ALIVE or run.wrapper == REQUESTED or run.process == RUNS
                    after = _without_directory(after, job, number, former=int(lives))
        yield f"!spool lost({place})", after


def _without_worker(world: World, place: int) -> World:
    fresh = FRESH if world.nodes[place].renewal == FRESH else STALE
    after = with_node(world, place, worker=DEAD, owes=0, renewal=fresh, accounted=0, machine=GOES_ON)
    return with_hands(after, place, ())


def _without_directory(world: World, job: int, number: int, *, former: int = 0) -> World:
    return with_attempt(
        world, job, number, directory=0, ticket=NO_TICKET, cancel_file=0, outcome=NO_OUTCOME, former=former
    )


def _rebooted(world: World, place: int) -> World:
    after = _without_worker(world, place)
    for job, runs in enumerate(world.attempts):
        for number, run in enumerate(runs, 1):
            there = run.wrapper == REQUESTED or run.wrapper in ALIVE or run.process == RUNS
            if run.node == place and there:
                process = KILLED if run.process == RUNS else run.process
                after = with_attempt(after, job, number, wrapper=GONE, process=process)
    return after


def _of_attempts(setup: Setup, world: World) -> Steps:
    for job, runs in enumerate(world.attempts):
        row = world.jobs[job]
        for number, run in enumerate(runs, 1):
            if "wrapper" in setup.kinds and (run.wrapper == REQUESTED or run.wrapper in ALIVE):
                yield _wrapper_killed(setup, world, job, number)
            if "stop" in setup.kinds and run.wrapper == SUPERVISES:
                yield f"!wrapper stopped({job}.{number})", with_attempt(world, job, number, wrapper=STOPPED)
            if "forge" in setup.kinds and run.process == RUNS and run.directory and not run.outcome:
                yield (
                    f"!exit.json forged({job}.{number})",
                    with_attempt(world, job, number, outcome=OUTCOME_0),
                )
            current = row.step in RUNNING and row.attempt == number
            recorded = current and row.allocation and row.allocation.identity
            if "directory" in setup.kinds and run.directory and run.ticket == WRAPPERS and recorded:
                yield f"!directory lost({job}.{number})", _without_directory(world, job, number)


def _wrapper_killed(setup: Setup, world: World, job: int, number: int) -> tuple[str, World]:
    """Or the launcher that had the request. The child of a requeue job's wrapper dies with it."""
    run = world.attempts[job][number - 1]
    if "child_runs_on_eof" in setup.mutants and run.wrapper in (FORKED, LINKED):
        starts = min(2, run.starts + 1)
        after = with_attempt(world, job, number, wrapper=GONE, process=RUNS, starts=starts)
        return f"!wrapper killed, its child runs({job}.{number})", after
    both = setup.requeue and run.process == RUNS and "child_outlives_wrapper" not in setup.mutants
    after = with_attempt(world, job, number, wrapper=GONE, process=KILLED if both else run.process)
    who = "launcher" if run.wrapper == REQUESTED else "wrapper"
    return f"!{who} killed({job}.{number})", after


def _messages(setup: Setup, world: World) -> Steps:
    for job, row in enumerate(world.jobs):
        for number in range(1, min(row.attempt + 1, setup.attempts) + 1):
            for node in range(setup.nodes):
                after = published(setup, world, Message(job, number, node))
                if after is not world:
                    yield f"!message({job}.{number} to {node})", after
