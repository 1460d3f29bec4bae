"""Invariants that this node's processes and spool answer, seen from where the command runs."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from django.conf import settings

from jobs.execution import processes
from jobs.execution.spool import Spool
from jobs.models import Job, Node, ResourceAllocation
from jobs.states import Phase, Service

IN_SERVICE: Final = (Service.UP, Service.DRAIN)


def spools() -> Iterator[tuple[str, Spool]]:
    """The spools of this machine's nodes, by node name."""
    root = settings.JOBSITE_VAR / "spool"
    for path in root.iterdir() if root.is_dir() else ():
        if (path / "spool_id").exists():
            yield path.name, Spool.open(path)


def strays() -> list[str]:
    """Processes with a marker of a spool here whose attempt is not running."""
    in_service = [(name, spool) for name, spool in spools() if _in_service(name)]
    found = []
    for token, identity in processes.all_marked():
        for name, spool in in_service:
            pair = spool.pair_of(token)
            if pair and not _runs(pair) and processes.is_alive(identity):  # it may have ended in between
                found.append(f"pid {identity.pid} of job {pair[0]}.{pair[1]} on {name}")
    return found


def twins() -> list[str]:
    """Jobs of which more than one attempt lives, on whichever of this machine's nodes."""
    alive: dict[int, set[tuple[str, int]]] = defaultdict(set)
    here = list(spools())
    for token, identity in processes.all_marked():
        for name, spool in here:
            pair = spool.pair_of(token)
            if pair and processes.is_alive(identity):
                alive[pair[0]].add((name, pair[1]))
    return [f"job {job}: {sorted(attempts)}" for job, attempts in alive.items() if len(attempts) > 1]


def dead_but_running() -> list[str]:
    """Jobs that their row calls active, with no living process and nothing that says how they ended."""
    found = []
    for name, spool in spools():
        for job in Job.objects.running().on(name).filter(phase=Phase.ACTIVE):
            directory = spool.attempt(job.pk, job.attempt)
            if not processes.marked(directory.token) and directory.outcome() is None and _still_active(job):
                found.append(f"job {job.pk}.{job.attempt} on {name}")
    return found


def jobs_without_directory() -> list[str]:
    """Active jobs of these spools that have no directory in them."""
    here = {spool.spool_id: spool for _, spool in spools()}
    active = ResourceAllocation.objects.unreleased().filter(
        spool_id__in=here, wrapper_pid__isnull=False, job__phase=Phase.ACTIVE
    )
    return [
        f"job {held.job_id}.{held.attempt}"
        for held in active
        if not here[held.spool_id].attempt(held.job_id, held.attempt).exists()
    ]


def _in_service(node_name: str) -> bool:
    """It takes jobs, or drains: what runs there is accounted for."""
    return Node.objects.filter(name=node_name, service__in=IN_SERVICE, wanted__in=IN_SERVICE).exists()


def _runs(pair: tuple[int, int]) -> bool:
    return Job.objects.running().filter(pk=pair[0], attempt=pair[1]).exists()


def _still_active(job: Job) -> bool:
    return Job.objects.running().filter(pk=job.pk, attempt=job.attempt, phase=Phase.ACTIVE).exists()
