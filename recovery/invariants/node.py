"""Invariants that this node's processes and spool answer, seen from where the command runs."""

from collections.abc import Iterator
from typing import Final

from django.conf import settings

from jobs.execution import processes
from jobs.execution.spool import Spool
from jobs.models import Job, Node, ResourceAllocation
from jobs.states import Phase, Service

IN_SERVICE: Final = (Service.UP, Service.DRAIN)
OUR_FILES: Final = ("request.json", "ticket", "exit.json", "wrapper.log")


def _spools() -> Iterator[tuple[str, Spool]]:
    """The spools of this machine's nodes, by node name."""
    root = settings.JOBSITE_VAR / "spool"
    for path in root.iterdir() if root.is_dir() else ():
        if (path / "spool_id").exists():
            yield path.name, Spool.open(path)


def strays() -> list[str]:
    """Processes with a marker of a spool here whose attempt is not running."""
    spools = [(name, spool) for name, spool in _spools() if _in_service(name)]
    found = []
    for token, identity in processes.all_marked():
        for name, spool in spools:
            pair = spool.pair_of(token)
            if pair and not _runs(pair) and processes.is_alive(identity):  # it may have ended in between
                found.append(f"pid {identity.pid} of job {pair[0]}.{pair[1]} on {name}")
    return found


def dead_but_running() -> list[str]:
    """Jobs that their row calls active, with no living process and nothing that says how they ended."""
    found = []
    for name, spool in _spools():
        for job in Job.objects.running().on(name).filter(phase=Phase.ACTIVE):
            directory = spool.attempt(job.pk, job.attempt)
            if not processes.marked(directory.token) and directory.outcome() is None and _still_active(job):
                found.append(f"job {job.pk}.{job.attempt} on {name}")
    return found


def jobs_without_directory() -> list[str]:
    """Active jobs of these spools that have no directory in them."""
    spools = {spool.spool_id: spool for _, spool in _spools()}
    active = ResourceAllocation.objects.unreleased().filter(
        spool_id__in=spools, wrapper_pid__isnull=False, job__phase=Phase.ACTIVE
    )
    return [
        f"job {held.job_id}.{held.attempt}"
        for held in active
        if not spools[held.spool_id].attempt(held.job_id, held.attempt).exists()
    ]


def secrets_in_spool() -> list[str]:
    """What our own processes wrote there, and holds the secret key."""
    secret = settings.SECRET_KEY.encode()
    return [
        str(directory.path / name)
        for _, spool in _spools()
        for directory in spool.attempts()
        for name in OUR_FILES
        if (directory.path / name).is_file() and secret in (directory.path / name).read_bytes()
    ]


def _in_service(node_name: str) -> bool:
    """It takes jobs, or drains: what runs there is accounted for."""
    return Node.objects.filter(name=node_name, service__in=IN_SERVICE, wanted__in=IN_SERVICE).exists()


def _runs(pair: tuple[int, int]) -> bool:
    return Job.objects.running().filter(pk=pair[0], attempt=pair[1]).exists()


def _still_active(job: Job) -> bool:
    return Job.objects.running().filter(pk=job.pk, attempt=job.attempt, phase=Phase.ACTIVE).exists()
