"""The platform of a round: three machines, two webs, two schedulers, Beat, PostgreSQL and the broker.

All are the platform's real processes, started from its own table, each of them kept alive. A machine is a
worker tree with its own name, spool and boot id; it reaches the database and the broker by proxies of its
own, and everybody else reaches the broker by one of theirs. Flower is left out: it takes part in nothing.
"""

import os
import secrets
import select
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from urllib.parse import quote

from jobs.execution import cgroup
from jobs.execution.cgroup import Cages, NoGroupError
from jobsite.embedded.broker import Broker
from jobsite.embedded.postgres import Postgres
from jobsite.environment import embedded_database_url
from tests.acceptance.proxy import Address, Proxy
from tests.chaos import kept
from tests.chaos.kept import Kept, tend_all
from tests.chaos.node import Node
from tests.chaos.rows import Rows
from tests.chaos.schedule import SCALE
from tests.client import FAST
from tests.eventually import eventually
from tests.platform import FOREIGN, free_ports
from tests.remains import killed_in
from tests.session import ROOT, remove_groups

NAMES: Final = ("n1", "n2", "n3")
CPUS: Final = 8
STARTING: Final = 300.0
"""Seconds until everybody is ready, on a machine that does other things too."""
OWN_DISK: Final = "1500m"
"""Of the last machine's spool, where root may mount one: a disk that can be filled."""
PREPARED: Final = """
from datetime import timedelta
from django.contrib.auth.models import User
from jobs.models import ApiToken, Partition
Partition.objects.update(grace=timedelta(seconds=1))
admin = User.objects.create_superuser("admin", password="a long one for nobody")
print(ApiToken.objects.issue(admin, name="chaos"))
"""


class World:
    """Entered: everybody is ready. Left: nothing of it lives."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.var = directory / "v"
        self.logs = self.var / "logs"
        self.kept: dict[str, Kept] = {}
        self.nodes: dict[str, Node] = {}
        self.ports = free_ports(2)
        self.token = ""
        self.has_groups = False
        """Each machine keeps its jobs in control groups."""
        self._held = ExitStack()
        self._key = secrets.token_urlsafe(48)

    def __enter__(self) -> Self:
        for path in (self.var, self.var / "run", self.logs, self.directory / "net"):
            path.mkdir(mode=0o700, parents=True)
        try:
            self._begin()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for one in self.kept.values():
            if one.name != "postgres":
                one.kill()
        if "postgres" in self.kept:  # in order: killed, it leaves its shared memory behind
            self.kept["postgres"].stop()
        eventually(lambda: killed_in(self.directory), within=20)
        remove_groups(self.directory)
        self._held.close()

    @property
    def urls(self) -> list[str]:
        """Of each web."""
        return [f"http://127.0.0.1:{port}" for port in self.ports]

    @property
    def broker_socket(self) -> Path:
        """Where the broker really answers."""
        return self.var / "run" / "broker.sock"

    @property
    def database_url(self) -> str:
        """Where the database really answers."""
        return embedded_database_url(self.var)

    def proxies_to_broker(self) -> list[Proxy]:
        """Every road there."""
        return [self.road, *(node.to_broker for node in self.nodes.values())]

    def tend(self) -> None:
        """Start again who has ended."""
        tend_all(self.kept)

    def environment(self, **settings: str) -> dict[str, str]:
        """Of a process that reaches everybody."""
        kept_here = {
            name: text
            for name, text in os.environ.items()
            if name not in FOREIGN and not name.startswith(("PG", "JOBSITE_"))
        }
        return {
            **kept_here,
            "DJANGO_SETTINGS_MODULE": "jobsite.settings",
            "JOBSITE_VAR": str(self.var),
            "JOBSITE_PORT": str(self.ports[0]),
            "JOBSITE_SECRET_KEY": self._key,
            "JOBSITE_TIME_SCALE": str(SCALE),
            "JOBSITE_CPUS": str(CPUS),
            "JOBSITE_MEMORY": "16G",
            "JOBSITE_GPUS": "2",
            "DATABASE_URL": self.database_url,
            "REDIS_URL": f"redis+socket://{quote(str(self.broker_socket))}",
            **settings,
        }

    def manage(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """A `manage.py` command of an operator, who stands beside the servers."""
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment(),
            capture_output=True,
            text=True,
            check=False,
        )

    def _begin(self) -> None:
        for server in (Postgres(self.var), Broker(self.var)):
            self.kept[server.name] = kept.server(server, self.logs / f"{server.name}.log")
            self._held.callback(server.lock.release)
        for one in self.kept.values():
            one.container.ready()
        self._succeed("migrate", "--verbosity", "0")
        self.token = self._succeed("shell", "--verbosity", "0", "--command", PREPARED).split()[-1]
        self.road = self._proxy(("127.0.0.1", 0), self.broker_socket)
        self._start_head()
        for name in NAMES:
            self._start_node(name)
        with Rows(self.database_url) as rows:
            for name in NAMES:
                eventually(partial(rows.is_well, name, 0, 0), within=STARTING, what=self.told)
        for url in self.urls:
            eventually(partial(_is_ready, url), within=STARTING, what=self.told)
        self.has_groups = all(_has_groups(node.spool.spool_id) for node in self.nodes.values())

    def told(self) -> str:
        """The ends of all logs, for whoever asks why it did not begin."""
        files = sorted(self.logs.glob("*.log"))
        return "".join(f"\n== {file.name}\n{file.read_text(errors='replace')[-1500:]}" for file in files)

    def _succeed(self, *arguments: str) -> str:
        done = self.manage(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def _start_head(self) -> None:
        broker = f"redis://127.0.0.1:{self.road.port}/0"
        for number, port in enumerate(self.ports, 1):
            self._keep(f"web-{number}", "web", self.environment(REDIS_URL=broker, JOBSITE_PORT=str(port)))
            self._keep(f"scheduler-{number}", "scheduler", self.environment(REDIS_URL=broker))
        self._keep("beat", "beat", self.environment(REDIS_URL=broker))

    def _start_node(self, name: str) -> None:
        net = self.directory / "net" / name
        net.mkdir(mode=0o700)
        node = Node(
            name,
            self.var / "spool" / name,
            net / "boot-id",
            to_broker=self._proxy(("127.0.0.1", 0), self.broker_socket),
            to_database=self._proxy(net / ".s.PGSQL.5432", self.var / "run" / ".s.PGSQL.5432"),
        )
        node.has_own_disk = name == NAMES[-1] and self._mount(node.spool_path)
        told = self.environment(
            JOBSITE_NODE_NAME=name,
            JOBSITE_BOOT_ID_FILE=str(node.boot_id_file),
            DATABASE_URL=f"postgresql://postgres@/jobsite?host={quote(str(net), safe='/')}",
            REDIS_URL=f"redis://127.0.0.1:{node.to_broker.port}/0",
        )
        node.worker = self._keep(f"worker-{name}", "worker", told)
        self.nodes[name] = node

    def _keep(self, name: str, kind: str, told: Mapping[str, str]) -> Kept:
        self.kept[name] = kept.process(name, kind, told, self.logs)
        return self.kept[name]

    def _proxy(self, path: Address, server: Path) -> Proxy:
        proxy = Proxy(path, server)
        self._held.callback(proxy.close)
        return proxy

    def _mount(self, path: Path) -> bool:
        """Give it a disk of its own. False: that is not allowed here."""
        path.mkdir(mode=0o700, parents=True)
        mount = ["mount", "-t", "tmpfs", "-o", f"size={OWN_DISK},mode=0700", "chaos", str(path)]
        if subprocess.run(mount, capture_output=True, check=False).returncode:
            return False
        self._held.callback(subprocess.run, ["umount", "--lazy", str(path)], check=True)
        return True


def pause(seconds: float = 0.05) -> None:
    """The main thread has nothing to do for so long."""
    select.select([], [], [], seconds)


def _is_ready(url: str) -> bool:
    try:
        with FAST.open(f"{url}/readyz", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _has_groups(spool_id: str) -> bool:
    try:
        return any(Cages.below(place, spool_id).home.is_dir() for place in cgroup.places())
    except NoGroupError:
        return False
