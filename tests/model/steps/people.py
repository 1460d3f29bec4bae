"""What persons do, and policies that nobody needs to have: cancel, hold, release, expire."""

from tests.model.setup import Setup
from tests.model.state import (
    CANCELLED,
    FAILED,
    LINKED,
    PENDING,
    PLACED,
    RUNNING,
    STOPPING,
    SUPERVISES,
    Steps,
    World,
    acts,
    with_attempt,
    with_job,
)
from tests.model.steps.dispatching import returned


def steps(setup: Setup, world: World) -> Steps:
    """For each job that has not ended."""
    for job, row in enumerate(world.jobs):
        if row.step in PENDING:
            yield from _end_pending(setup, world, job)
            if "hold" in setup.people:
                yield _hold_or_release(world, job)
        if row.step in RUNNING and not row.cancel and "cancel" in setup.people:
            if "t11_cancelled" in setup.mutants:
                after = with_job(world, job, step=CANCELLED, allocation=(), cancel=1)
            else:
                after = _told_once(setup, with_job(world, job, step=STOPPING, cancel=1), job)
            yield f"~T11 cancel({job}.{row.attempt})", after


def _end_pending(setup: Setup, world: World, job: int) -> Steps:
    if "cancel" in setup.people:
        kept = world.jobs[job].allocation if "t5_no_release" in setup.mutants else ()
        yield f"~T5 cancel({job})", with_job(world, job, step=CANCELLED, allocation=kept)
    if "expire" in setup.people:
        yield f"~T6 expire({job})", with_job(world, job, step=FAILED, allocation=())


def _hold_or_release(world: World, job: int) -> tuple[str, World]:
    row = world.jobs[job]
    if row.held:
        return f"~release({job})", with_job(world, job, held=0)
    return f"~hold({job})", with_job(returned(world, job) if row.step == PLACED else world, job, held=1)


def _told_once(setup: Setup, world: World, job: int) -> World:
    """Without a sweep that asks again, one notice is all there is, heard or not."""
    if "cancel_asked_once" not in setup.mutants:
        return world
    number = world.jobs[job].attempt
    run = world.attempts[job][number - 1]
    heard = acts(world.nodes[run.node]) and run.wrapper in (LINKED, SUPERVISES) and run.directory
    return with_attempt(world, job, number, cancel_file=1) if heard else world
