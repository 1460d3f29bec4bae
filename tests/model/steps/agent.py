"""What a node's agent does about its jobs: T9, the cancel, its decision table, strays."""

from jobs.execution.verdict import Verdict
from tests.model.setup import Setup
from tests.model.state import (
    ACTIVE,
    ALIVE,
    CANCEL_KILLED,
    CANCELLED,
    COMPLETED,
    FAILED,
    FINAL,
    GONE,
    KILLED,
    OUTCOME_0,
    OUTCOME_FENCED,
    QUEUED,
    RUNNING,
    RUNS,
    STARTING,
    STOPPED,
    STOPPING,
    SUPERVISES,
    TOMBSTONE,
    WRAPPERS,
    Attempt,
    Job,
    Steps,
    World,
    acts,
    hands_with,
    is_live,
    with_attempt,
    with_job,
)
from tests.model.steps.deciding import verdict_of
from tests.model.steps.dispatching import MOST_UNSTARTED


def steps(setup: Setup, world: World) -> Steps:
    """For each attempt on a node whose agent runs and reaches the database."""
    for job, runs in enumerate(world.attempts):
        for number, run in enumerate(runs, 1):
            if run.node >= 0 and acts(world.nodes[run.node]):
                yield from _look(setup, world, job, number)


def is_stray(setup: Setup, world: World, job: int, number: int, node: int) -> bool:
    """Whatever is there of this attempt belongs to no running job of this node."""
    row = world.jobs[job]
    if world.attempts[job][number - 1].former and "strays_of_this_spool" in setup.mutants:
        return False
    if "stray_if_final" in setup.mutants:
        return row.step in FINAL or row.attempt > number
    return not is_live(world, job, number, node)


def may_run_again(setup: Setup, row: Job) -> bool:
    """Its owner allows it, nobody has asked for its end, and it has runs left."""
    return setup.requeue and not row.cancel and row.attempt < setup.attempts


def ended(setup: Setup, world: World, job: int, number: int, to: str) -> World:
    """RUNNING to final with release, guarded by state and attempt."""
    row = world.jobs[job]
    if row.step not in RUNNING or (row.attempt != number and "finish_no_attempt" not in setup.mutants):
        return world
    if "release_outside" in setup.mutants:
        return with_job(world, job, step=to)
    return with_job(world, job, step=to, allocation=())


def _look(setup: Setup, world: World, job: int, number: int) -> Steps:
    row, run = world.jobs[job], world.attempts[job][number - 1]
    if row.attempt == number and row.step in RUNNING:
        yield from _record_start(setup, world, job, number)
        if row.node == run.node and _may_sweep(setup, world, job, number):
            yield from _settle(setup, world, job, number)
    if setup.mutants:
        yield from _of_mutants(setup, world, job, number)
    there = run.process == RUNS or run.wrapper in ALIVE
    if there and is_stray(setup, world, job, number, run.node) and "no_stray_kill" not in setup.mutants:
        yield f"stray killed({job}.{number})", _killed(world, job, number, run)


def _killed(world: World, job: int, number: int, run: Attempt, how: str = KILLED) -> World:
    process = how if run.process == RUNS else run.process
    return with_attempt(world, job, number, wrapper=GONE, process=process)


def _record_start(setup: Setup, world: World, job: int, number: int) -> Steps:
    row, run = world.jobs[job], world.attempts[job][number - 1]
    held = row.allocation
    if not held or held.identity or run.ticket != WRAPPERS or held.spool != world.nodes[run.node].spool:
        return
    to = ACTIVE if row.step == STARTING or "t9_over_stopping" in setup.mutants else row.step
    after = with_job(world, job, step=to, allocation=held._replace(identity=1))
    yield f"T9 activate({job}.{number})", after


def _may_sweep(setup: Setup, world: World, job: int, number: int) -> bool:
    if "no_sweep" in setup.mutants:
        return False
    if not world.jobs[job].allocation and not setup.mutants & {"t19_release_only", "release_outside"}:
        return False
    node = world.attempts[job][number - 1].node
    if "in_hand_swept" in setup.mutants:
        return True
    return all(hand.late for hand in hands_with(world, job, number, node))


def _settle(setup: Setup, world: World, job: int, number: int) -> Steps:
    row, run = world.jobs[job], world.attempts[job][number - 1]
    lost_to = CANCELLED if row.cancel else FAILED
    if world.look == (job, number):
        yield from _late_verdict(setup, world, job, number, lost_to)
    match verdict_of(setup, row, run, world.nodes[run.node]):
        case Verdict.HEALTHY:
            yield from _leave(setup, world, job, number, lost_to)
        case Verdict.ADOPT:
            yield from _adopt(setup, world, job, number, lost_to)
        case Verdict.FENCE:
            yield _fence(setup, world, job, number)
        case Verdict.FINISH_FENCE:
            yield f"T16 return_unstarted({job}.{number})", _returned(setup, world, job)
        case verdict:
            yield _ended_by(verdict, setup, world, job, number)


def _ended_by(verdict: Verdict, setup: Setup, world: World, job: int, number: int) -> tuple[str, World]:
    lost_to = CANCELLED if world.jobs[job].cancel else FAILED
    if verdict is Verdict.NODE_FAIL:
        return f"T18 lose({job}.{number})", ended(setup, world, job, number, lost_to)
    if verdict is Verdict.SUPERVISOR_LOST:
        to = COMPLETED if "t17_completed" in setup.mutants else lost_to
        return f"T17 lose({job}.{number})", ended(setup, world, job, number, to)
    outcome = world.attempts[job][number - 1].outcome
    if outcome == OUTCOME_FENCED and may_run_again(setup, world.jobs[job]):
        return f"T20 requeue({job}.{number})", with_job(world, job, step=QUEUED, allocation=())
    to = COMPLETED if outcome == OUTCOME_0 else lost_to
    return f"T10 finish({job}.{number})", ended(setup, world, job, number, to)


def _leave(setup: Setup, world: World, job: int, number: int, lost_to: str) -> Steps:
    """Its wrapper lives, and is asked to end it, at every sweep, if somebody wants that."""
    run = world.attempts[job][number - 1]
    wanted = world.jobs[job].step == STOPPING and (not run.cancel_file or run.wrapper == STOPPED)
    if wanted and "cancel_asked_once" not in setup.mutants:
        woken = SUPERVISES if run.wrapper == STOPPED else run.wrapper  # it is sent CONT, too
        after = with_attempt(world, job, number, cancel_file=1, wrapper=woken)
        yield f"asked to stop({job}.{number})", after
    if run.wrapper == STOPPED and "no_timeout" not in setup.mutants:
        yield _end_overdue(setup, world, job, number, lost_to)
    if "exit_json_not_reread" in setup.mutants and not run.outcome and not world.look:
        yield f"sweep: no exit.json yet({job}.{number})", world._replace(look=(job, number))
    if "t17_wrapper_unchecked" in setup.mutants:
        yield f"T17 lose({job}.{number})", ended(setup, world, job, number, lost_to)


def _end_overdue(setup: Setup, world: World, job: int, number: int, lost_to: str) -> tuple[str, World]:
    """The strategy Timeout: its limit is over, and its wrapper does nothing about that."""
    if "timeout_kills_nothing" in setup.mutants:
        return f"T17 lose({job}.{number}, overdue)", ended(setup, world, job, number, lost_to)
    mark = "*" if world.jobs[job].cancel else ""
    killed = _killed(world, job, number, world.attempts[job][number - 1])
    return f"{mark}overdue: killed({job}.{number})", killed


def _adopt(setup: Setup, world: World, job: int, number: int, lost_to: str) -> Steps:
    """Its wrapper is gone or has no spool, and it lives: it is killed when it is due."""
    row, run = world.jobs[job], world.attempts[job][number - 1]
    lives, mutants = run.wrapper in ALIVE, setup.mutants
    if run.process == RUNS and not lives and "adopt_no_limit" not in mutants:
        mark = "*" if row.cancel else ""
        yield f"{mark}adopted: limit({job}.{number})", with_attempt(world, job, number, process=KILLED)
    heard = "only_wrappers_kill" not in mutants if lives else "adopt_no_cancel" not in mutants
    if row.step == STOPPING and heard:
        yield f"adopted: killed({job}.{number})", _killed(world, job, number, run, CANCEL_KILLED)
    if "t17_process_unchecked" in mutants and not lives:
        yield f"T17 lose({job}.{number})", ended(setup, world, job, number, lost_to)


def _fence(setup: Setup, world: World, job: int, number: int) -> tuple[str, World]:
    if "no_tombstone" in setup.mutants:
        unstarted = min(world.jobs[job].unstarted + 1, MOST_UNSTARTED)
        after = with_job(world, job, step=QUEUED, allocation=(), unstarted=unstarted)
        return f"T16 return_unstarted({job}.{number}, by time)", after
    return f"tombstone({job}.{number})", with_attempt(world, job, number, directory=1, ticket=TOMBSTONE)


def _returned(setup: Setup, world: World, job: int) -> World:
    row = world.jobs[job]
    unstarted = min(row.unstarted + 1, MOST_UNSTARTED)
    to = FAILED if row.unstarted + 1 >= setup.unstarted_limit else QUEUED
    if row.cancel and "t16_ignores_cancel" not in setup.mutants:
        to = CANCELLED
    kept = row.allocation if "t16_no_release" in setup.mutants else ()
    return with_job(world, job, step=to, allocation=kept, unstarted=unstarted)


def _late_verdict(setup: Setup, world: World, job: int, number: int, lost_to: str) -> Steps:
    """A mutant that looked for exit.json while the wrapper lived, and judges by that now."""
    run, after = world.attempts[job][number - 1], world._replace(look=())
    if run.wrapper not in ALIVE and run.process != RUNS:
        yield f"T17 lose({job}.{number}, on an old look)", ended(setup, after, job, number, lost_to)
    else:
        yield f"sweep: healthy({job}.{number})", after


def _of_mutants(setup: Setup, world: World, job: int, number: int) -> Steps:
    row, run = world.jobs[job], world.attempts[job][number - 1]
    if not run.outcome or run.process == RUNS:
        return
    to = COMPLETED if run.outcome == OUTCOME_0 else FAILED
    if "finish_no_attempt" in setup.mutants and row.step in RUNNING and row.attempt != number:
        yield f"T10 finish({job}.{number}, late)", ended(setup, world, job, number, to)
    if "late_result_written" in setup.mutants and row.attempt == number and row.step in FINAL - {to}:
        yield f"late result({job}.{number})", with_job(world, job, step=to)
