"""The sandbox: `python -m jobsite.run` with a directory, a node, a broker, a database and ports of its own.

It is told nothing of the platform that may run on this machine. Only what it has written down as its own, and
what carries the marker of its own spool, is ever signalled, by pid and start ticks.
"""

import logging
import os
import shutil
import signal
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from jobs.execution import cage, cgroup, processes, procfs
from jobs.execution.cgroup import Cages, NoGroupError
from jobs.execution.spool import Spool
from jobsite.environment import ROOT, Environment
from jobsite.run import ground, prepare
from jobsite.run import processes as table
from jobsite.run.child import Child
from jobsite.run.record import Identity, Record

NODE: Final = "drill"
READY: Final = b"\nReady in"
STOPS_WITHIN: Final = 15.0
_OTHERS: Final = ("JOBSITE_", "PG", "DATABASE_URL", "LISTEN_DATABASE_URL", "REDIS_URL", "DJANGO_")
"""How the names of variables begin that would lead the sandbox to somebody else's platform or database."""
_KEPT: Final = ("JOBSITE_TOKEN", "JOBSITE_CGROUPS", "JOBSITE_TIME_SCALE")
"""The marker of the job that the drill may be, so that all of it is that job's; and how to run here."""


class SandboxError(Exception):
    """The sandbox did not come up, or what was to be killed there was not there."""


def cpus_for(jobs: int) -> int:
    """A sandbox of this size has room for three of four jobs at once; the others wait in its queue."""
    return jobs * 3 // 4


class Sandbox:
    """One platform in one directory."""

    def __init__(self, directory: Path, *, cpus: int, variables: Mapping[str, str]) -> None:
        self.directory = directory
        self.var = directory / "var"
        self.logs = self.var / "logs"
        self._settings = settings(self.var, cpus, variables)
        self._record = Record(self.var / "run" / "children.json")
        self._supervisor: Child | None = None

    def start(self) -> None:
        """Start it, and make this process see the world as its processes do. It is ready later."""
        environment = Environment.read(self._settings)
        ground.make_directories(self.var)
        prepare.kept_secret(self.var / "secret-key")
        self._supervisor = Child(
            table.python("-m", "jobsite.run"),
            environment=self._settings,
            log=self.logs / "supervisor.log",
            directory=ROOT,
        )
        told = table.common(environment, self._settings)
        os.environ.clear()
        os.environ.update(told)
        prepare.set_up_django()
        logging.disable()  # what is away during the drill is away on purpose: the card tells of it

    def is_ready(self) -> bool:
        """Every process of it works. Raises SandboxError when it has given up."""
        told = (self.logs / "supervisor.log").read_bytes()
        if self._supervisor and self._supervisor.exit_code is not None:
            last = told.decode(errors="replace").strip().splitlines()[-1:]
            raise SandboxError(f"The sandbox could not be started: {''.join(last)}")
        return READY in told

    def child(self, name: str) -> Identity | None:
        """One of its processes, as it is now. None: it lives not."""
        child = self._record.children().get(name)
        return child if child and Identity.of(child.pid) == child else None

    def kill(self, name: str) -> Identity:
        """kill -9 one of its processes; whom it was. Raises SandboxError when it lived no more."""
        child = self.child(name)
        if child is None or not procfs.signal_process(child.pid, child.ticks, signal.SIGKILL):
            raise SandboxError(f"The sandbox's {name} was to be killed, and was not there.")
        return child

    @property
    def spool(self) -> Spool:
        """Its node's."""
        return Spool.open(self.var / "spool" / NODE)

    def marked(self) -> list[tuple[str, processes.Identity]]:
        """The living processes of its jobs and their wrappers, with their markers."""
        ours = f"{self.spool.spool_id}."
        return [(token, found) for token, found in processes.all_marked() if token.startswith(ours)]

    def stop(self) -> None:
        """End all of it: the platform in order, then the jobs that go on without it, then their groups."""
        if self._supervisor and self._supervisor.exit_code is None:
            self._supervisor.send(signal.SIGTERM)
            if not self._supervisor.wait(STOPS_WITHIN):
                self._supervisor.kill_group()  # its children ask the kernel for their end with it
        if not self.var.is_dir():
            return
        for token, identity in self.marked():
            processes.kill_tree(token, [identity])
        _remove_groups(self.spool.spool_id)

    def remove(self) -> None:
        """Take its directory away, with all that is in it."""
        shutil.rmtree(self.directory, ignore_errors=True)


def settings(var: Path, cpus: int, variables: Mapping[str, str]) -> dict[str, str]:
    """What the sandbox is told: the person's environment without a word of any other platform."""
    port, flower_port = free_ports(2)
    inherited = {
        name: text for name, text in variables.items() if name in _KEPT or not name.startswith(_OTHERS)
    }
    return {
        **inherited,
        "JOBSITE_SANDBOX": "1",
        "JOBSITE_VAR": str(var),
        "JOBSITE_HOST": "127.0.0.1",
        "JOBSITE_PORT": str(port),
        "JOBSITE_FLOWER_PORT": str(flower_port),
        "JOBSITE_NODE_NAME": NODE,
        "JOBSITE_CPUS": str(cpus),
        "JOBSITE_MEMORY": f"{cpus * 64}M",
        "JOBSITE_GPUS": "0",
    }


def free_ports(number: int) -> list[int]:
    """Ports of loopback on which nobody listens now, all different."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [int(opened.getsockname()[1]) for opened in sockets]
    for opened in sockets:
        opened.close()
    return ports


def _remove_groups(spool_id: str) -> None:
    try:
        homes = [Cages.below(place, spool_id) for place in cgroup.places()]
    except NoGroupError:
        return
    for cages in homes:
        for name in cages.names():
            cage.kill(cages.path(name))
            cage.remove(cages.path(name))
        cages.close()
