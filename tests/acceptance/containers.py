"""Local processes in the place of pytest-celery's containers: they need no engine, and are ours to kill."""

import os
import signal
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from pytest_celery import CeleryTestContainer

from jobsite.embedded.broker import Broker
from jobsite.environment import Environment
from jobsite.run.child import Child
from jobsite.run.processes import table
from tests.eventually import eventually
from tests.session import ROOT


class ProcessContainer(CeleryTestContainer):  # type: ignore[misc]
    """One process that can be asked for its log, killed, and started again."""

    def __init__(  # and not the parent's, which wants an engine
        self,
        name: str,
        argv: Sequence[str],
        environment: Mapping[str, str],
        log: Path,
        is_ready: Callable[["ProcessContainer"], bool],
        url: str = "",
    ) -> None:
        self._name, self._argv, self._environment, self._log = name, argv, environment, log
        self._is_ready, self._url = is_ready, url
        self.start()

    def start(self) -> None:
        """Start it, the first time or again."""
        self._log.touch()
        self._told_before = self._log.stat().st_size
        self._child = Child(self._argv, environment=self._environment, log=self._log, directory=ROOT)

    def ready(self, timeout: float = 60.0) -> bool:
        """Wait until it does its work."""
        return eventually(lambda: self._is_ready(self), within=timeout, what=f"{self.name}: {self.logs()}")

    @property
    def name(self) -> str:
        return self._name

    @property
    def id(self) -> str:
        return self._name

    @property
    def pid(self) -> int:
        """The process of now."""
        return self._child.pid

    @property
    def status(self) -> str:
        return "running" if self._child.exit_code is None else "exited"

    @property
    def celeryconfig(self) -> dict[str, str]:
        return {"url": self._url, "host_url": self._url}

    def logs(self) -> str:
        """What it has written since it was started the last time."""
        with self._log.open("rb") as file:
            file.seek(self._told_before)
            return file.read().decode(errors="replace")

    def kill(self, signal: str | int = "SIGKILL") -> None:
        """Signal it and wait for its end."""
        self._child.send(number_of(signal))
        assert self._child.wait(20), f"{self.name} did not end: {self.logs()}"

    def reload(self) -> None:
        """Nothing about it is kept that could be out of date."""

    def restart(self, timeout: float = 60.0) -> None:
        """Start it again and wait until it does its work."""
        self.teardown()
        self.start()
        self.ready(timeout)

    def teardown(self) -> None:
        """Stop it in order, by force if it must be."""
        if self.status == "running":
            self._child.send(signal.SIGTERM)
        if not self._child.wait(10):
            self._child.kill_group()


def number_of(name: str | int) -> signal.Signals:
    """The signal of this name or number."""
    return signal.Signals[name] if isinstance(name, str) else signal.Signals(name)


def process(name: str, environment: Mapping[str, str], log: Path, prompt: str) -> ProcessContainer:
    """One process of the platform's own table, as `make run` starts it."""
    argv = {entry.name: entry.argv for entry in table(Environment.read(environment), "password")}[name]
    return ProcessContainer(name, argv, environment, log, lambda self: prompt in self.logs())


def worker(environment: Mapping[str, str], log: Path) -> ProcessContainer:
    """A worker with its node agent."""
    return process("worker", environment, log, "ready.")


def scheduler(environment: Mapping[str, str], log: Path) -> ProcessContainer:
    """A scheduler that has begun."""
    return process("scheduler", environment, log, "scheduler started")


def broker(server: Broker, url: str, log: Path) -> ProcessContainer:
    """The embedded broker of a directory of its own."""
    return ProcessContainer(
        "broker", server.argv, server.environment, log, lambda self: server.is_ready(self.pid), url
    )


def surroundings(var: Path, **settings: str) -> dict[str, str]:
    """What a process of node n1 is told that uses the tests' own database, and this directory."""
    var.mkdir(mode=0o700)
    mine = {"JOBSITE_VAR": str(var), "JOBSITE_NODE_NAME": "n1", "JOBSITE_CPUS": "64", "JOBSITE_MEMORY": "64G"}
    return {**os.environ, **mine, **settings}
