"""What the supervisor is given: each server and each process of the table, and how to see it ready."""

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

from jobsite.embedded.broker import Broker
from jobsite.embedded.postgres import Postgres
from jobsite.environment import Environment
from jobsite.run import health
from jobsite.run.child import Child
from jobsite.run.processes import Process, Stage
from jobsite.run.supervisor import Charge

BEAT_STARTED = b"beat: Starting"

Readiness = Callable[[Child], bool]


def of_server(server: Postgres | Broker) -> Charge:
    """An embedded server, prepared again before each start."""

    def command() -> tuple[list[str], Mapping[str, str]]:
        server.prepare()
        return server.argv, server.environment

    return Charge(
        name=server.name,
        address=f"{server.title} on a unix socket",
        stage=Stage.SERVERS,
        stop_signal=server.stop_signal,
        command=command,
        begin=lambda: lambda child: server.is_ready(child.pid),
    )


def of_process(process: Process, environment: Environment, common: Mapping[str, str]) -> Charge:
    """A process of the table."""
    return Charge(
        name=process.name,
        address=process.address,
        stage=process.stage,
        stop_signal=process.stop_signal,
        command=lambda: (process.argv, process.told(common)),
        begin=_readiness(process.name, environment),
    )


def _readiness(name: str, environment: Environment) -> Callable[[], Readiness]:
    if name == "scheduler":
        return lambda: _renewed(health.leader_until)
    if name == "worker":
        return lambda: _renewed(lambda: health.node_until(environment.node_name))
    if name == "beat":
        return lambda: _written(environment.var / "logs" / "beat.log", BEAT_STARTED)
    check = health.CHECKS[name]
    return lambda: lambda _: check(environment)


def _renewed(until: Callable[[], datetime | None]) -> Readiness:
    """The lease runs longer than before the child was started: what another left does not count."""
    before = _asked(until)

    def is_ready(child: Child) -> bool:
        del child
        now = _asked(until)
        return now is not None and (before is None or now > before)

    return is_ready


def _asked(until: Callable[[], datetime | None]) -> datetime | None:
    """None also when the database does not answer at the moment."""
    from django.db import DatabaseError, InterfaceError, connection  # noqa: PLC0415 - Django is set up by now

    try:
        return until()
    except (DatabaseError, InterfaceError):
        connection.close()
        return None


def _written(log: Path, words: bytes) -> Readiness:
    """The child has said so in its log since it was started."""
    offset = log.stat().st_size if log.exists() else 0

    def is_ready(child: Child) -> bool:
        with log.open("rb") as file:
            file.seek(offset if log.stat().st_size >= offset else 0)  # a log that was rotated begins anew
            return words in file.read() and child.age > 0.5

    return is_ready
