"""One process of the platform that is started again when it ends, as its supervisor would.

Only the main thread starts any: what it starts ends with the thread that forked it.
"""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from signal import SIGKILL, Signals

from jobs.execution import processes
from jobs.execution.processes import Identity
from jobsite.embedded.broker import Broker
from jobsite.embedded.postgres import Postgres
from jobsite.environment import Environment
from jobsite.run.processes import common, table
from tests.acceptance.containers import ProcessContainer

DELAY = 0.5
"""Seconds until one that has ended is started again."""


class Kept:
    """A process that is wanted."""

    def __init__(self, name: str, start: Callable[[], ProcessContainer]) -> None:
        self.name = name
        self._start = start
        self.container = start()
        self.held_until = 0.0
        """By the steady clock: a machine that was switched off is not back before."""
        self._due: float | None = None
        self.starts = 1

    @property
    def pid(self) -> int:
        """Its number, which stays taken until `tend` has seen its end."""
        return self.container.pid

    def tend(self, now: float) -> None:
        """Start it again when it is due."""
        if self.container.status == "running":
            return
        if self._due is None:
            self._due = now + DELAY
        if now >= max(self._due, self.held_until):
            self.container, self._due = self._start(), None
            self.starts += 1

    def send(self, number: Signals) -> Identity | None:
        """Signal it; who was signalled. None: it does not live now."""
        found = processes.identify(self.pid)
        if self.container.status != "running" or found is None:
            return None
        return found if processes.send(found, number) else None

    def kill(self) -> bool:
        """KILL it. False: it did not live."""
        return self.send(SIGKILL) is not None

    def stop(self) -> None:
        """For good."""
        self.container.teardown()


def server(made: Postgres | Broker, log: Path) -> Kept:
    """An embedded server, prepared before each start."""

    def start() -> ProcessContainer:
        made.prepare()
        return ProcessContainer(
            made.name, made.argv, made.environment, log, lambda self: made.is_ready(self.pid)
        )

    return Kept(made.name, start)


def process(name: str, kind: str, variables: Mapping[str, str], logs: Path) -> Kept:
    """A process of the platform's own table."""
    environment = Environment.read(variables)
    entry = next(one for one in table(environment, "no password") if one.name == kind)
    told = entry.told(common(environment, variables))

    def start() -> ProcessContainer:
        return ProcessContainer(name, entry.argv, told, logs / f"{name}.log", lambda _: True)

    return Kept(name, start)


def tend_all(kept: Mapping[str, Kept]) -> None:
    """Look after all of them once."""
    now = time.monotonic()
    for one in kept.values():
        one.tend(now)
