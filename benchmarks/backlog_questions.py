"""What a fresh process asks of a long queue, and says on its last line; so its peak is its own."""

import json
import logging
import resource
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import django

django.setup()

from django.conf import settings  # noqa: E402 - not before the setup
from django.core.management import call_command  # noqa: E402
from django.db import connection, models  # noqa: E402

from jobs.execution.spool import Spool  # noqa: E402
from jobs.execution.station import Station  # noqa: E402
from jobs.models import Job, ResourceAllocation  # noqa: E402
from jobs.models.clock import from_now  # noqa: E402
from recovery.manager import RecoveryManager  # noqa: E402
from scheduler.cycle import run_pass  # noqa: E402
from scheduler.leader import Leader  # noqa: E402
from tests import making  # noqa: E402

LINES = 10
"""Of the script of each job: a queue of long scripts must cost no more than one of short ones."""


def fill(waiting: int, placed: int) -> dict[str, Any]:
    """So many jobs that wait, and so many that have their place; copies of one each, made in the database."""
    call_command("migrate", verbosity=0)
    making.node(cpus=placed, memory_mb=64 * placed)
    script = "#!/bin/sh\n" + "echo a line of a script that does something\n" * LINES
    _copy(making.queued(script=script), waiting - 1)
    one = making.placed(script=script)
    held = ResourceAllocation.objects.get(job=one)
    _copy(one, placed - 1)
    rest = Job.objects.placed().exclude(pk=one.pk).order_by("pk")
    values = _values(ResourceAllocation, job_id="placed.id")
    _run(
        f"INSERT INTO jobs_resourceallocation ({', '.join(values)}) SELECT {', '.join(values.values())}"
        f" FROM jobs_resourceallocation AS it, jobs_job AS placed WHERE it.id = {held.pk}"
        f" AND placed.phase = 'PLACED' AND placed.id <> {one.pk}"
    )
    long_ago = from_now(-settings.DISPATCH_GRACE - timedelta(minutes=1))
    Job.objects.update(submitted_at=long_ago, eligible_at=long_ago)
    Job.objects.placed().update(placed_at=long_ago, dispatched_at=long_ago, dispatch_seq=1)
    _run("ANALYZE")
    return {"waiting": Job.objects.queued().count(), "placed": 1 + rest.count()}


def sweep() -> dict[str, Any]:
    """The sweep of a worker that has just started, and the next one, which finds all well."""
    manager = RecoveryManager(Station("n1", Spool.open(settings.SPOOL)))
    return _measured(manager.recover_on_startup, manager.recover)


def one_pass() -> dict[str, Any]:
    """A pass of a scheduler that has just begun to lead, when no node has room, and the next one."""
    leader = Leader("backlog", timedelta(minutes=10))
    assert leader.campaign()
    return _measured(lambda: run_pass(leader), lambda: run_pass(leader))


def _measured(first: Callable[[], object], then: Callable[[], object]) -> dict[str, Any]:
    Job.objects.exists()
    logging.disable(logging.INFO)
    before, begun, cpu = _peak_mb(), time.monotonic(), time.process_time()
    did = first()
    between, cpu = time.monotonic(), time.process_time() - cpu
    then()
    after = time.monotonic()
    seconds = {"seconds": round(between - begun, 3), "cpu": round(cpu, 3), "then": round(after - between, 3)}
    return {**seconds, "before_mb": before, "peak_mb": _peak_mb(), "did": str(did)}


def _peak_mb() -> float:
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)


def _copy(job: Job, number: int) -> None:
    values = _values(Job)
    _run(
        f"INSERT INTO jobs_job ({', '.join(values)}) SELECT {', '.join(values.values())}"
        f" FROM jobs_job AS it, generate_series(1, {number}) WHERE it.id = {job.pk}"
    )


def _values(model: type[models.Model], **changes: str) -> dict[str, str]:
    """Each column but the key, and whence it is copied."""
    columns = [field.column for field in model._meta.concrete_fields if not field.primary_key]
    return {f'"{column}"': changes.get(column, f'it."{column}"') for column in columns}


def _run(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


if __name__ == "__main__":
    QUESTIONS: dict[str, Callable[..., dict[str, Any]]] = {"fill": fill, "sweep": sweep, "pass": one_pass}
    print(json.dumps(QUESTIONS[sys.argv[1]](*map(int, sys.argv[2:]))))
