"""Puts the node agent into the Celery worker: it starts before the first message is taken."""

import fcntl
import logging
import os
import secrets
import signal
import stat
from contextlib import suppress
from pathlib import Path
from typing import Any

from celery import bootsteps
from celery.exceptions import WorkerShutdown
from celery.signals import task_received, worker_ready, worker_shutting_down
from celery.worker import state
from django.conf import settings

from jobs.execution import agents, launcher, trial, unacknowledged
from jobs.execution.agent import NodeAgent
from jobs.execution.containment import Containment
from jobs.execution.leaving import leave
from jobs.execution.spool import Spool

logger = logging.getLogger("jobs.agent")


class AgentLockedError(SystemExit):
    """Another worker of this node name runs on this machine."""


class AgentStep(bootsteps.StartStopStep):
    """Starts the agent with the worker, and lets the observers go when the worker leaves."""

    requires = ("celery.worker.components:Pool",)

    def __init__(self, worker: Any, **options: Any) -> None:
        super().__init__(worker, **options)
        unacknowledged.leave()
        self.lock: int | None = None

    def start(self, worker: Any) -> None:
        """Take the node's lock and lease; only then does the worker take messages."""
        del worker
        spool = Spool.open(settings.SPOOL)
        self.lock = _lock(settings.SPOOL / "agent.lock")
        facts = trial.hold(spool.spool_id, groups=settings.CGROUPS)
        containment = Containment(facts=facts, cpus=settings.NODE_CPUS)
        agent = NodeAgent(settings.NODE_NAME, spool, leave=leave, containment=containment)
        if cages := agent.station.cages:
            cages.open()  # and hold it: the trial's process, which has made it, is gone
        agents.set_current(agent)
        if not agent.start(abandoned=_is_stopping):
            raise WorkerShutdown(0)
        logger.info("the launcher is pid %s", launcher.start())

    def stop(self, worker: Any) -> None:
        """The jobs go on; the next agent of this spool takes the lease over at once."""
        del worker
        if self.lock is not None:
            agents.current().stop()
            if cages := agents.current().station.cages:
                cages.close()  # leave nothing in the machine's tree of groups, unless jobs go on in it
        launcher.stop()

    def terminate(self, worker: Any) -> None:
        """A cold shutdown leaves the jobs alone too."""
        self.stop(worker)


def _lock(path: Path) -> int:
    """One agent per node name and machine. The descriptor is not inherited, so no job can hold it."""
    descriptor = _open_plain(path)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        other = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip()
        os.close(descriptor)
        message = f"Node {settings.NODE_NAME} has its agent already, pid {other}. Stop it, or choose another "
        raise AgentLockedError(message + "JOBSITE_NODE_NAME.") from None
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, str(os.getpid()).encode(), 0)
    return descriptor


def _open_plain(path: Path) -> int:
    """The lock's own file. What a job has put in its place is set aside, not followed and not waited for."""
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    with suppress(FileNotFoundError):
        if not stat.S_ISREG(path.lstat().st_mode):
            logger.error("%s is no plain file: a job has replaced it; it is set aside", path)
            path.rename(path.with_name(f"{path.name}.{secrets.token_hex(8)}"))
    return os.open(path, flags, 0o600)


def _is_stopping() -> bool:
    return state.should_stop is not None or state.should_terminate is not None


@worker_ready.connect
def _ignore_hangup(**_: Any) -> None:
    """A closed terminal must not wedge the worker."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)


@task_received.connect
def _note_message(**_: Any) -> None:
    """The worker takes messages."""
    for agent in agents.running():
        agent.deafness.heard()


@worker_shutting_down.connect
def _let_observers_go(**_: Any) -> None:
    """In the signal handler: only set events, so that the pool's threads end at once."""
    for agent in agents.running():
        agent.observers.let_go()
