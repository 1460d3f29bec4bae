"""Whom kill -9 meets: each kills somebody under a round of running jobs, and says when they are back."""

import time
from collections.abc import Callable
from pathlib import Path
from signal import SIGKILL

from jobs.execution import processes, procfs
from jobs.execution.processes import Identity
from tests.acceptance.kill_rounds import LOST, Round
from tests.eventually import eventually

CELERY = ("worker", "beat", "flower")

Back = Callable[[], float]
"""Wait until whoever was killed is back; when that was."""

Victim = Callable[[Round], Back]


def every_celery_process(going: Round) -> Back:
    """The worker with its agent, Beat and Flower, all at once. The platform starts them again."""
    killed = {name: going.platform.kill(name) for name in CELERY}

    def back() -> float:
        for name, child in killed.items():
            going.platform.wait_restarted(name, child)
        return time.time()

    return back


def the_launcher(going: Round) -> Back:
    """The process that forks the wrappers. Another one is started when the next two jobs are."""
    worker = going.platform.child("worker").pid
    named = {pid: Path(f"/proc/{pid}/comm").read_text().strip() for pid in procfs.children_of(worker)}
    (launcher,) = [pid for pid, name in named.items() if name == "jobsite-launch"]
    _kill(processes.identify(launcher))
    going.begin(2)
    return time.time


def a_wrapper(going: Round) -> Back:
    """The wrappers of some jobs. The jobs live on, and nobody will learn their exit codes."""
    for job, ticket in zip(going.struck, going.tickets(*going.struck), strict=True):
        going.fates[job] = LOST
        _kill(ticket.wrapper)
        assert ticket.job
        assert processes.is_alive(ticket.job)
    return time.time


def a_wrapper_and_its_job(going: Round) -> Back:
    """Both of some jobs, the wrapper first, so that it never says how its job ended."""
    for job, ticket in zip(going.struck, going.tickets(*going.struck), strict=True):
        going.fates[job] = LOST
        _kill(ticket.wrapper, ticket.job)
        going.over[job] = time.time()
    return time.time


def _kill(*found: Identity | None) -> None:
    for identity in found:
        assert identity
        assert processes.send(identity, SIGKILL)
        eventually(lambda seen=identity: not processes.is_alive(seen))  # type: ignore[misc]
