"""What of the product is made up for the machine, and the seams at which an actor can be suspended."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import InterfaceError, OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper
from pytest_django import Settings

from jobs import contention, faults, messages
from jobs.execution import agent, hands, health, launcher, lease, processes, procfs, renewals, runner, strays
from jobs.execution.launcher import Launched, Refused
from jobs.execution.spool import AttemptDirectory
from recovery import manager, signals
from recovery.strategies import OrphanJobRecoveryStrategy, pending
from tests.machine.broker import Broker
from tests.machine.clock import Clock
from tests.machine.host import PROCFS
from tests.machine.stage import Lock, point, process
from tests.machine.wrapper import Wrapper

AT_ONCE = timedelta(milliseconds=1)
"""For so long anybody waits for a lock: whoever has it is suspended, and does not let it go meanwhile."""


class Wrappers(list[Wrapper]):
    """All that were ever asked for. The launcher is the machine itself: it never fails."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock

    def launch(self, directory: AttemptDirectory) -> Launched | Refused:
        """As `launcher.launch`. Whoever waits here may be suspended, and the wrapper goes on without it."""
        point("fault point", "spawn.before")
        wrapper = Wrapper(process().host, directory, self._clock)
        self.append(wrapper)
        point("fault point", "spawn.asked")
        while wrapper.answer is None and wrapper.lives:
            wrapper.step()
            point("fault point", f"spawn.{wrapper.state}")
        return Launched() if wrapper.answer == "linked" else Refused(wrapper.answer or "no answer")


class _Sweeping:
    """Each process has its own `_sweeping`."""

    def __enter__(self) -> None:
        process().sweeping.__enter__()

    def __exit__(self, *_: object) -> None:
        process().sweeping.__exit__()


class Complaints(logging.Handler):
    """Errors that the product has told to its log and to nobody else."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.reset()

    def reset(self) -> None:
        """Another story begins."""
        self.unexpected: list[BaseException] = []
        self.told: list[str] = []
        """Since somebody moved."""
        self.files_are_lost = False
        """Somebody has removed some."""
        self.sessions_are_lost = False
        """Somebody has ended some of the database's."""

    def emit(self, record: logging.LogRecord) -> None:
        """Keep what nobody has caused."""
        error = record.exc_info[1] if record.exc_info else None
        self.told.append(record.getMessage())
        caused = isinstance(error, OSError) and self.files_are_lost
        caused |= isinstance(error, OperationalError | InterfaceError) and self.sessions_are_lost
        if isinstance(error, Exception) and not (caused or is_expected(error)):
            self.unexpected.append(error)


@contextmanager
def only_complaints(complaints: Complaints) -> Iterator[None]:
    """The product's log goes to these and nowhere else."""
    loggers = [logging.getLogger(name) for name in ("jobs", "scheduler", "recovery")]
    levels = [one.level for one in loggers]
    for one in loggers:
        one.addHandler(complaints)
        one.propagate = False
        one.setLevel(logging.WARNING)
    try:
        yield
    finally:
        for one, level in zip(loggers, levels, strict=True):
            one.removeHandler(complaints)
            one.propagate = True
            one.setLevel(level)


def is_expected(error: BaseException) -> bool:
    """Somebody else holds a lock."""
    locked = isinstance(error, contention.RowBusyError) or contention.is_lost_to_a_lock(error)
    return locked or (error.__cause__ is not None and is_expected(error.__cause__))


def make_up(monkeypatch: pytest.MonkeyPatch, settings: Settings, clock: Clock, broker: Broker) -> Wrappers:
    """Put broker, clock and process table in their places."""
    settings.LOCK_PATIENCE = AT_ONCE
    settings.NODE_CPUS, settings.NODE_MEMORY_MB, settings.NODE_GPUS = 2, 4096, 1
    put = monkeypatch.setattr
    for function in PROCFS:
        put(procfs, function.__name__, function)
    put(procfs, "is_between_programs", lambda _pid: False)
    put(processes, "open_pidfd", lambda _identity: None)
    for module in (agent, hands, health, renewals, strays):
        put(module, "time", clock)
    told = {"clock_gettime": clock.clock_gettime, "CLOCK_BOOTTIME": clock.CLOCK_BOOTTIME}
    put(processes, "time", SimpleNamespace(monotonic=time.monotonic, **told))
    for module in (lease, strays):
        put(module, "threading", SimpleNamespace(Lock=Lock))
    put(signals, "_sweeping", _Sweeping())
    put(manager, "OrphanJobRecoveryStrategy", lambda it: OrphanJobRecoveryStrategy(it, process().silences))
    put(runner, "agents", SimpleNamespace(current=lambda: process().agent))
    put(runner, "connection", SimpleNamespace(close=lambda: None))
    put(messages, "post", broker.post)
    put(pending, "messages_of", broker.messages_of)
    put(pending, "CLAIM_PATIENCE", 0.0)
    put(BaseDatabaseWrapper, "commit", _stopping_at(BaseDatabaseWrapper.commit))
    put(faults, "_reached", lambda name: point("fault point", name))
    wrappers = Wrappers(clock)
    put(launcher, "launch", wrappers.launch)
    return wrappers


def _stopping_at(commit: Any) -> Any:
    def commits(connection: BaseDatabaseWrapper) -> None:
        point("commit", "before")
        commit(connection)
        point("committed", "after")

    return commits
