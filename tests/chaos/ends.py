"""How a job may have ended: as its script does, or as a fault that met it explains. Nothing else will do.

That a worker, the broker, PostgreSQL, a scheduler or Beat was killed explains no end: none of it may show.
"""

from collections.abc import Iterable
from typing import NamedTuple

from tests.chaos.injuries import Injury
from tests.chaos.rows import Row
from tests.chaos.schedule import SCALE, Harm, PlannedJob, Work

GIVEN_UP_AFTER = (30 + 90) * SCALE
"""Seconds for which a node must be silent until others settle its jobs."""
MOST_RUNS = 5


class End(NamedTuple):
    """What a row says of it."""

    state: str
    reason: str
    exit_code: int | None = None
    exit_signal: int | None = None


CANCELLED = End("CANCELLED", "Cancelled")
LOST = End("FAILED", "SupervisorLost")
NODE_FAIL = End("FAILED", "NodeFail")
KILLED = End("FAILED", "RaisedSignal", None, 9)
DISK_FULL = ("NonZeroExitCode", "DiskFull", "JobLaunchFailure", "RaisedSignal")


def of(row: Row) -> End:
    """As the row tells it. Of a job that was cancelled or lost, its exit code does not matter."""
    if row.reason in ("NonZeroExitCode", "") or row.reason == "RaisedSignal":
        return End(row.state, row.reason, row.exit_code, row.exit_signal)
    return End(row.state, row.reason)


def by_script(job: PlannedJob) -> End:
    """What it does when nobody meddles."""
    if job.work is Work.DEAF:
        return End("FAILED", "TimeLimit")
    if job.exit_code:
        return End("FAILED", "NonZeroExitCode", job.exit_code)
    return End("COMPLETED", "", 0)


def is_explained(
    row: Row, job: PlannedJob, injuries: Iterable[Injury], *, cancelled: bool, runs: int
) -> bool:
    """By its script, or by a fault."""
    end = of(row)
    if end == by_script(job) or (cancelled and end == CANCELLED):
        return True
    if row.requeue and end == NODE_FAIL and runs >= MOST_RUNS:
        return True
    return any(_explains(injury, row, end) for injury in injuries)


def _explains(injury: Injury, row: Row, end: End) -> bool:
    met = (row.id, row.attempt) in injury.pairs
    here = row.node in injury.nodes and injury.touches(*row.span)
    match injury.harm:
        case Harm.WRAPPER:
            return met and end == LOST
        case Harm.JOB:
            return met and end == KILLED
        case Harm.REBOOT:
            return here and end == NODE_FAIL and row.evidence == "BOOT"
        case Harm.DISK_FULL:
            return here and end.state == "FAILED" and end.reason in DISK_FULL
        case Harm.PARTITION | Harm.STOP:
            silent = injury.over_at(row.span[1]) - injury.begun
            return here and end == NODE_FAIL and silent > GIVEN_UP_AFTER
    return False
