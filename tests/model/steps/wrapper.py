"""Launcher, wrapper and process: on their node, without a word from database or broker."""

from tests.model.setup import Setup
from tests.model.state import (
    CANCEL_KILLED,
    EXITED_0,
    EXITED_BADLY,
    FENCE_KILLED,
    FORKED,
    FRESH,
    GONE,
    KILLED,
    LINKED,
    NO_OUTCOME,
    NO_TICKET,
    OPENED_FIRST,
    OUTCOME_0,
    OUTCOME_BAD,
    OUTCOME_CANCEL,
    OUTCOME_FENCED,
    RUNNING,
    RUNS,
    STANDS_STILL,
    STOPPED,
    SUPERVISES,
    WRAPPERS,
    Attempt,
    Steps,
    World,
    with_attempt,
)

OUTCOME_OF = {
    EXITED_0: OUTCOME_0,
    EXITED_BADLY: OUTCOME_BAD,
    CANCEL_KILLED: OUTCOME_CANCEL,
    KILLED: OUTCOME_BAD,
    FENCE_KILLED: OUTCOME_FENCED,
}


def steps(setup: Setup, world: World) -> Steps:
    """For each attempt whose wrapper or process is there."""
    for job, runs in enumerate(world.attempts):
        for number, run in enumerate(runs, 1):
            if run.node < 0 or world.nodes[run.node].machine == STANDS_STILL:
                continue
            silent = setup.requeue and world.nodes[run.node].renewal != FRESH
            yield from _of_wrapper(setup, world, job, number, silent)
            if run.process == RUNS:
                yield from _end(world, job, number, run)
            if run.process == RUNS and silent and "no_self_fence" not in setup.mutants:
                yield from _fence(world, job, number, run)


def _of_wrapper(setup: Setup, world: World, job: int, number: int, silent: bool) -> Steps:
    run = world.attempts[job][number - 1]
    match run.wrapper:
        case "asked":
            yield f"T8 fork({job}.{number})", with_attempt(world, job, number, wrapper=FORKED)
        case "forked":
            yield _link(setup, world, job, number, silent)
        case "linked":
            yield _open(world, job, number, silent)
        case "open":
            yield from _supervise(setup, world, job, number, run)
        case "stopped":
            yield f"^wrapper goes on({job}.{number})", with_attempt(world, job, number, wrapper=SUPERVISES)
        case "open, not linked":
            yield _link_late(world, job, number, run)


def _link(setup: Setup, world: World, job: int, number: int, silent: bool) -> tuple[str, World]:
    run = world.attempts[job][number - 1]
    if "pipe_before_link" in setup.mutants:
        return f"pipe opened first({job}.{number})", _started(world, job, number, OPENED_FIRST)
    free = run.directory and run.ticket == NO_TICKET and not silent
    if free or "no_ticket" in setup.mutants:
        return f"T8 link({job}.{number})", with_attempt(world, job, number, wrapper=LINKED, ticket=WRAPPERS)
    return f"link lost({job}.{number})", with_attempt(world, job, number, wrapper=GONE)


def _link_late(world: World, job: int, number: int, run: Attempt) -> tuple[str, World]:
    if run.directory and run.ticket == NO_TICKET:
        after = with_attempt(world, job, number, wrapper=SUPERVISES, ticket=WRAPPERS)
        return f"T8 link({job}.{number})", after
    return f"link lost, kills({job}.{number})", with_attempt(world, job, number, wrapper=GONE, process=KILLED)


def _open(world: World, job: int, number: int, silent: bool) -> tuple[str, World]:
    """With its node silent it does not: the blocked child ends, and the end is told as any other."""
    if silent:
        after = with_attempt(world, job, number, wrapper=SUPERVISES, process=FENCE_KILLED)
        return f"pipe left closed({job}.{number})", after
    return f"pipe opened({job}.{number})", _started(world, job, number, SUPERVISES)


def _started(world: World, job: int, number: int, wrapper: str) -> World:
    starts = min(2, world.attempts[job][number - 1].starts + 1)
    return with_attempt(world, job, number, wrapper=wrapper, process=RUNS, starts=starts)


def _supervise(setup: Setup, world: World, job: int, number: int, run: Attempt) -> Steps:
    if run.process != RUNS:
        told = OUTCOME_OF[run.process] if run.directory else NO_OUTCOME
        if "exit0_always" in setup.mutants:
            told = OUTCOME_0
        yield f"exit.json({job}.{number})", with_attempt(world, job, number, wrapper=GONE, outcome=told)
    elif run.cancel_file:
        yield f"wrapper kills({job}.{number})", with_attempt(world, job, number, process=CANCEL_KILLED)
    if "exit_json_early" in setup.mutants and run.process == RUNS and not run.outcome:
        yield f"exit.json too early({job}.{number})", with_attempt(world, job, number, outcome=OUTCOME_0)


def _end(world: World, job: int, number: int, run: Attempt) -> Steps:
    """By itself, or by its limit, which a living wrapper enforces."""
    row = world.jobs[job]
    asked = row.cancel and row.attempt == number and row.step in RUNNING
    mark = "*" if run.wrapper in (GONE, STOPPED) or asked else ""
    yield f"{mark}exits with 0({job}.{number})", with_attempt(world, job, number, process=EXITED_0)
    yield f"{mark}exits badly({job}.{number})", with_attempt(world, job, number, process=EXITED_BADLY)


def _fence(world: World, job: int, number: int, run: Attempt) -> Steps:
    """The wrapper of a job that may run again elsewhere ends it when its node is silent for too long."""
    if run.wrapper == SUPERVISES:
        yield f"fences itself({job}.{number})", with_attempt(world, job, number, process=FENCE_KILLED)
