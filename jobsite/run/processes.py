"""The process table: every process of the platform as data. A test compares docker-compose.yml with it."""

import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

from jobsite.environment import Environment
from jobsite.run.ground import FLOWER_HOST
from jobsite.run.health import loopback

_DATABASE: Final = frozenset({"DATABASE_URL", "LISTEN_DATABASE_URL", "PGPASSWORD"})
"""The last is libpq's own, read where an address names no password: it may hold any character."""
_SERVERS: Final = _DATABASE | {"REDIS_URL"}
CONFIDENTIAL: Final = _SERVERS | {"JOBSITE_SECRET_KEY"}
"""Settings that may hold a password or are one."""


class Stage(IntEnum):
    """What stops together. Nothing is stopped before everything that needs it has ended."""

    FRONT = 1
    SERVERS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """One process: how it is started, what it is told, how it is seen to work and how it is stopped."""

    name: str
    argv: tuple[str, ...]
    address: str
    environment: Mapping[str, str] = field(default_factory=dict)
    needs: frozenset[str] = _SERVERS
    """The confidential settings that it is told; those of the others it never has."""
    stop_signal: signal.Signals = signal.SIGTERM
    stage: Stage = Stage.FRONT

    def told(self, common: Mapping[str, str]) -> dict[str, str]:
        """Its whole environment: what all are told, but for secrets that it does not need, and its own."""
        kept = {name: text for name, text in common.items() if name not in CONFIDENTIAL - self.needs}
        return {**kept, **self.environment}

    @property
    def health(self) -> tuple[str, ...]:
        """The command whose exit code says whether it does its work."""
        return ("python", "-m", "jobsite.run.health", self.name)


_LOUD: Final = ("--loglevel", "info")  # Celery's default hides our own lines, one per transition, too
STOP_ORDER: Final = ("web", "flower", "beat", "scheduler", "worker", "broker", "postgres")


def table(
    environment: Environment, flower_password: str, *, flower_host: str = FLOWER_HOST
) -> tuple[Process, ...]:
    """The platform's own processes, in the order of their start. The servers are beside it: see embedded."""
    flower = _flower(environment, flower_password, flower_host)
    return (_web(environment), _scheduler(), _worker(environment), _beat(), flower)


def common(environment: Environment, variables: Mapping[str, str]) -> dict[str, str]:
    """What every process of ours is told: the person's environment, and each setting in so many words."""
    told = {
        "DJANGO_SETTINGS_MODULE": "jobsite.settings",
        "JOBSITE_VAR": str(environment.var),
        "JOBSITE_HOST": environment.host,
        "JOBSITE_PORT": str(environment.port),
        "JOBSITE_FLOWER_PORT": str(environment.flower_port),
        "JOBSITE_NODE_NAME": environment.node_name,
        "JOBSITE_CPUS": str(environment.cpus),
        "JOBSITE_MEMORY": f"{environment.memory_mb}M",
        "JOBSITE_GPUS": str(environment.gpus),
        "JOBSITE_CGROUPS": environment.cgroups,
        "DATABASE_URL": environment.database_url,
        "LISTEN_DATABASE_URL": environment.listen_database_url,
        "REDIS_URL": environment.redis_url,
    }
    kept = {**variables, **told, "PYTHONUNBUFFERED": "1"}
    if not environment.embedded_postgres:
        return kept
    # A PGPORT or PGSERVICE of the person's shell would send us to another database than the embedded one.
    return {name: value for name, value in kept.items() if not name.startswith("PG")}


def web_url(environment: Environment) -> str:
    """Where a browser on this machine finds the web."""
    host = loopback(environment.host)
    return f"http://{f'[{host}]' if ':' in host else host}:{environment.port}"


def door_url(environment: Environment) -> str:
    """Where a person logs in: where cookies are for https alone, at the first origin of that kind."""
    public = [origin for origin in environment.trusted_origins if "*" not in origin]
    return public[0] if environment.https_only and public else web_url(environment)


def python(*arguments: str) -> tuple[str, ...]:
    """A command of our own interpreter, run in the project's directory."""
    return (sys.executable, *arguments)


def _web(environment: Environment) -> Process:
    listen = ("--host", environment.host, "--port", str(environment.port))
    # Without the time-out uvicorn waits for open streams for ever. Without the last, whoever is on this
    # machine could say by X-Forwarded-For where they come from, and try passwords as often as they like.
    options = (
        *("--timeout-graceful-shutdown", "2", "--no-server-header", "--log-level", "warning"),
        "--no-proxy-headers",
    )
    return Process(
        name="web",
        argv=python("-m", "uvicorn", "jobsite.asgi:application", *listen, *options),
        address=web_url(environment),
        needs=CONFIDENTIAL,
    )


def _scheduler() -> Process:
    return Process(name="scheduler", argv=python("manage.py", "run_scheduler"), address="places jobs")


def _worker(environment: Environment) -> Process:
    node = environment.node_name
    pool = ("--pool", "threads", "--concurrency", str(environment.cpus + 8))
    queues = ("--queues", f"node.{node},control", "--hostname", f"{node}@%h")
    return Process(
        name="worker",
        argv=_celery("worker", *pool, *queues, "--without-gossip", "--without-mingle", "--events", *_LOUD),
        address=f"{node}: {environment.cpus} CPUs, {environment.memory_mb} MiB, {environment.gpus} GPUs",
        needs=CONFIDENTIAL,  # the web seals with the secret key what it asks a node's agent for
    )


def _beat() -> Process:
    return Process(name="beat", argv=_celery("beat", "--pidfile=", *_LOUD), address="sends what is due")


def _flower(environment: Environment, password: str, host: str) -> Process:
    listen = (f"--address={host}", f"--port={environment.flower_port}")
    return Process(
        name="flower",
        argv=_celery("flower", *listen, "--read_only=true", "--max_tasks=10000"),
        address=f"http://{loopback(host)}:{environment.flower_port} (operator)",
        needs=frozenset({"REDIS_URL"}),
        environment={"FLOWER_BASIC_AUTH": f"operator:{password}"},  # an argument would be seen by every user
    )


def _celery(command: str, *options: str) -> tuple[str, ...]:
    return python("-m", "celery", "-A", "jobsite", command, *options)
