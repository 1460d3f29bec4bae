"""T19 and T20: others settle the jobs of a node whose lease is over. And what nobody may do."""

from tests.model.setup import Setup
from tests.model.state import (
    DOWN,
    FAILED,
    FINAL,
    FRESH,
    LINKED,
    OPENED_FIRST,
    QUEUED,
    RUNNING,
    RUNS,
    STANDS_STILL,
    STOPPED,
    SUPERVISES,
    Attempt,
    Job,
    Steps,
    World,
    with_job,
    with_node,
)


def steps(setup: Setup, world: World) -> Steps:
    """For each running job of a silent node."""
    for job, row in enumerate(world.jobs):
        if row.step in RUNNING and not world.nodes[row.node].lease:
            yield from _give_up(setup, world, job, row)
            yield from _requeue(setup, world, job, row)
        if setup.mutants:
            yield from _of_mutants(setup, world, job, row)


def may_run_on(run: Attempt) -> bool:
    """By the assumption about time this is over when others requeue a job."""
    supervised = run.wrapper in (SUPERVISES, STOPPED) and run.process == RUNS
    return supervised or run.wrapper in (LINKED, OPENED_FIRST)


def _give_up(setup: Setup, world: World, job: int, row: Job) -> Steps:
    down = world if "t19_no_down" in setup.mutants else with_node(world, row.node, service=DOWN)
    after = with_job(down, job, step=FAILED, allocation=())
    if row.allocation and (row.allocation.identity or "starting_without_limit" not in setup.mutants):
        yield f"%T19 give_up({job}.{row.attempt})", after
    if "down" in setup.people:
        yield f"~T19 give_up({job}.{row.attempt})", after
    if "t19_release_only" in setup.mutants:
        yield f"%T19 release only({job}.{row.attempt})", with_job(down, job, allocation=())


def _requeue(setup: Setup, world: World, job: int, row: Job) -> Steps:
    """Under the one assumption about time: see the head of tests.model.properties."""
    node = world.nodes[row.node]
    asked = row.cancel and "t20_ignores_cancel" not in setup.mutants
    waits_for_down = "t20_waits_for_down" in setup.mutants and node.service != DOWN
    if not setup.requeue or row.attempt >= setup.attempts or asked or waits_for_down:
        return
    over = node.renewal != FRESH and not may_run_on(world.attempts[job][row.attempt - 1])
    over = over or node.machine == STANDS_STILL  # no clock there tells it
    if over or "no_self_fence" in setup.mutants:
        down = world if "t20_no_down" in setup.mutants else with_node(world, row.node, service=DOWN)
        yield f"%T20 requeue_lost({job}.{row.attempt})", with_job(down, job, step=QUEUED, allocation=())


def _of_mutants(setup: Setup, world: World, job: int, row: Job) -> Steps:
    again = row.step in RUNNING and row.attempt < setup.attempts
    if "t20_lease_unread" in setup.mutants and world.look == (row.node,) and again and not row.cancel:
        down = with_node(world, row.node, service=DOWN)._replace(look=())
        yield f"%T20 requeue_lost({job}.{row.attempt}, late)", with_job(down, job, step=QUEUED, allocation=())
    if "time_rescue" in setup.mutants and again:
        yield f"rescue({job}.{row.attempt})", with_job(world, job, step=QUEUED, allocation=())
    if "release_outside" in setup.mutants and row.step in FINAL and row.allocation:
        yield f"release({job}.{row.attempt})", with_job(world, job, allocation=())
