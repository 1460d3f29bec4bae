"""The platform's settings, read from environment variables. Nothing else reads them, and this writes nothing.

An odd value is refused here, before anything starts, with its name, the value and the form that is allowed.
An empty variable is a variable that is not set.
"""

import os
import re
import secrets
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Final, Self
from urllib.parse import quote

from jobs.resources import parse_memory
from jobsite import address, sandbox, setting
from jobsite.machine import Machine
from jobsite.setting import OddSetting

ROOT: Final = Path(__file__).resolve().parent.parent
LONGEST_SOCKET_PATH: Final = 107  # bytes: sun_path holds 108 with its closing NUL
_CGROUPS: Final = re.compile("auto|off")
NODE_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")

__all__ = ["Environment", "OddSetting"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """Every setting of one platform, checked."""

    var: Path
    host: str
    port: int
    flower_port: int
    node_name: str
    cpus: int
    memory_mb: int
    gpus: int
    cgroups: str
    database_url: str = field(repr=False)
    listen_database_url: str = field(repr=False)
    redis_url: str = field(repr=False)
    embedded_postgres: bool
    embedded_broker: bool
    secret_key: str = field(repr=False)
    allowed_hosts: tuple[str, ...]
    trusted_origins: tuple[str, ...]
    job_retention: timedelta | None
    spool_retention: timedelta | None
    ledger_retention: timedelta | None
    node_event_retention: timedelta | None
    recovery_alert: int
    debug: bool
    time_scale: float
    sandbox: bool
    faults: str

    @classmethod
    def read(cls, variables: Mapping[str, str]) -> Self:
        """Read and check. Raises OddSetting for the first value that is not of its allowed form."""
        given = {name: text.strip() for name, text in variables.items() if text.strip()}
        var = _var(given)
        node_name = setting.matching(given, "JOBSITE_NODE_NAME", _short_host_name(), NODE_NAME, _NODE_FORM)
        host = setting.host(given, "JOBSITE_HOST", "127.0.0.1")
        port = setting.port(given, "JOBSITE_PORT", 8000)
        database_url = address.database(given, "DATABASE_URL")
        redis_url = address.broker(given, "REDIS_URL")
        _refuse_long_sockets(var)
        machine = Machine()
        return cls(
            var=var,
            host=host,
            port=port,
            flower_port=_flower_port(given, port),
            node_name=node_name,
            cpus=setting.whole(given, "JOBSITE_CPUS", machine.cpus, 1, 4096),
            memory_mb=_memory(given, machine),
            gpus=setting.whole(given, "JOBSITE_GPUS", machine.gpus, 0, 64),
            cgroups=setting.matching(given, "JOBSITE_CGROUPS", "auto", _CGROUPS, "auto or off"),
            database_url=database_url or embedded_database_url(var),
            listen_database_url=address.database(given, "LISTEN_DATABASE_URL")
            or database_url
            or embedded_database_url(var),
            redis_url=redis_url or embedded_redis_url(var),
            embedded_postgres=not database_url,
            embedded_broker=not redis_url,
            secret_key=_secret_key(given, var),
            allowed_hosts=setting.hosts(given, "JOBSITE_ALLOWED_HOSTS", _own_hosts(host)),
            trusted_origins=setting.origins(given, "JOBSITE_TRUSTED_ORIGINS"),
            **_retentions(given),
            recovery_alert=setting.whole(given, "JOBSITE_RECOVERY_ALERT", 50, 1, 1_000_000),
            debug=setting.truth(given, "JOBSITE_DEBUG", default=False),
            time_scale=setting.fraction(given, "JOBSITE_TIME_SCALE", 1.0, 0.05, 1.0),
            sandbox=sandbox.is_one(given, var),
            faults=sandbox.faults(given),
        )

    @property
    def https_only(self) -> bool:
        """Whether people reach the web by https alone: some origins are named, and each is of that kind."""
        return bool(self.trusted_origins) and all(
            origin.startswith("https://") for origin in self.trusted_origins
        )


def embedded_database_url(var: Path) -> str:
    """Where the embedded PostgreSQL of this data directory answers."""
    return f"postgresql://postgres@/jobsite?host={quote(str(var / 'run'), safe='/')}"


def embedded_redis_url(var: Path) -> str:
    """Where the embedded broker of this data directory answers."""
    return f"redis+socket://{quote(str(var / 'run' / 'broker.sock'), safe='/')}"


_NODE_FORM: Final = "1 to 63 letters, digits, '-' or '_', the first a letter or a digit"


def _var(given: Mapping[str, str]) -> Path:
    text = given.get("JOBSITE_VAR")
    if text and "\0" in text:
        raise OddSetting("JOBSITE_VAR", text, "the path of a directory")
    path = Path(text).expanduser().absolute() if text else ROOT / "var"
    if path.exists() and not path.is_dir():
        raise OddSetting("JOBSITE_VAR", str(path), "the path of a directory, not of a file")
    return Path(os.path.normpath(path))


def _short_host_name() -> str:
    """The machine's name up to the first dot, made to fit a node's name."""
    name = re.sub(r"[^A-Za-z0-9_-]", "-", socket.gethostname().partition(".")[0])[:63]
    return name if NODE_NAME.fullmatch(name) else "node"


def _refuse_long_sockets(var: Path) -> None:
    sockets = (
        var / "run/.s.PGSQL.5432",
        var / "run/broker.sock",
    )
    longest = max(sockets, key=lambda path: len(os.fsencode(path)))
    excess = len(os.fsencode(longest)) - LONGEST_SOCKET_PATH
    if excess > 0:
        raise OddSetting(
            "JOBSITE_VAR",
            str(var),
            f"at least {excess} bytes shorter: a unix socket's path holds {LONGEST_SOCKET_PATH} bytes"
            f" and {longest.name} needs {len(os.fsencode(longest))}",
        )


def _retentions(given: Mapping[str, str]) -> dict[str, timedelta | None]:
    """For how long each kind of record is kept. None: for ever."""
    jobs = setting.days(given, "JOBSITE_JOB_RETENTION", None)
    spool = setting.days(given, "JOBSITE_SPOOL_RETENTION", timedelta(days=14))
    if jobs is not None and (spool is None or jobs < spool):
        shortest = "forever, as JOBSITE_SPOOL_RETENTION" if spool is None else f"{spool.days} or more"
        form = f"{shortest}: nobody could tell any more whose the output on a node is"
        raise OddSetting("JOBSITE_JOB_RETENTION", given["JOBSITE_JOB_RETENTION"], form)
    return {
        "job_retention": jobs,
        "spool_retention": spool,
        "ledger_retention": setting.days(given, "JOBSITE_LEDGER_RETENTION", timedelta(days=90)),
        "node_event_retention": setting.days(given, "JOBSITE_NODE_EVENT_RETENTION", timedelta(days=365)),
    }


def _flower_port(given: Mapping[str, str], port: int) -> int:
    flower_port = setting.port(given, "JOBSITE_FLOWER_PORT", 5555)
    if flower_port == port:
        raise OddSetting("JOBSITE_FLOWER_PORT", str(port), "another port than JOBSITE_PORT")
    return flower_port


def _memory(given: Mapping[str, str], machine: Machine) -> int:
    text = given.get("JOBSITE_MEMORY")
    if text is None:
        return machine.memory_mb()
    try:
        memory_mb = parse_memory(text)
    except ValueError:
        memory_mb = 0
    if memory_mb < 1:
        raise OddSetting("JOBSITE_MEMORY", text, "an amount such as 512M or 16G; a bare number is MiB")
    return memory_mb


def _secret_key(given: Mapping[str, str], var: Path) -> str:
    """The variable, else the file that `make run` keeps, else a key that dies with this process."""
    key = given.get("JOBSITE_SECRET_KEY")
    if key is not None and len(key) < setting.SHORTEST_KEY:
        hidden = f"{len(key)} characters long"
        raise OddSetting("JOBSITE_SECRET_KEY", hidden, f"at least {setting.SHORTEST_KEY} characters")
    file = var / "secret-key"
    if key is None and os.access(file, os.R_OK):
        key = file.read_text().strip()
    return key or secrets.token_urlsafe(48)


def _own_hosts(host: str) -> tuple[str, ...]:
    own = ("localhost", "127.0.0.1", "[::1]")
    named = f"[{host}]" if ":" in host else host
    return own if named in (*own, "0.0.0.0", "[::]") else (*own, named)  # noqa: S104 - compared, not listened on
