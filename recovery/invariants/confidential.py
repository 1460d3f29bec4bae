"""No server secret is where a job can read it: in the files that we wrote for it, or in what it was given."""

import os
from pathlib import Path
from typing import Final
from urllib.parse import quote, unquote, urlsplit

from django.conf import settings
from psycopg.conninfo import conninfo_to_dict

from jobs.execution import processes
from recovery.invariants.node import spools

OUR_FILES: Final = ("request.json", "ticket", "exit.json", "wrapper.log")
SHORTEST: Final = 12
"""A shorter password may be an ordinary word, and stand in a script or a path by chance."""


def secrets_in_spool() -> list[str]:
    """What our own processes wrote there, and holds a secret."""
    return [
        str(directory.path / name)
        for _, spool in spools()
        for directory in spool.attempts()
        for name in OUR_FILES
        if (directory.path / name).is_file() and _tells((directory.path / name).read_bytes())
    ]


def secrets_in_processes() -> list[str]:
    """Wrappers and jobs that have a secret in their environment or among their arguments."""
    return [
        f"pid {identity.pid} of {token}"
        for token, identity in processes.all_marked()
        if _tells(_given_to(identity.pid)) and processes.is_alive(identity)
    ]


def _given_to(pid: int) -> bytes:
    """Environment and arguments of a process; nothing when it has ended."""
    try:
        return b"".join((Path("/proc") / str(pid) / name).read_bytes() for name in ("environ", "cmdline"))
    except OSError:
        return b""


def _tells(content: bytes) -> bool:
    return any(secret in content for secret in _secrets())


def _secrets() -> set[bytes]:
    """The secret key, and the passwords of the servers as far as they have some."""
    listening = conninfo_to_dict(settings.LISTEN_DATABASE_URL).get("password", "")
    told = (settings.DATABASES["default"]["PASSWORD"], listening, os.environ.get("PGPASSWORD", ""))
    passwords = {unquote(urlsplit(settings.CELERY_BROKER_URL).password or ""), *map(str, told)}
    words = {settings.SECRET_KEY, *passwords, *(quote(word, safe="") for word in passwords)}
    return {word.encode() for word in words if len(word) >= SHORTEST}
