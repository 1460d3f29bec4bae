"""The embedded PostgreSQL: one cluster in var/postgres, on a unix socket in var/run, closed to others."""

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from jobsite.embedded import account, binaries
from jobsite.embedded.error import ServerError
from jobsite.embedded.leftover import end_those_in
from jobsite.embedded.lock import Lock

PORT: Final = 5432
_INITDB: Final = (
    "--username=postgres",
    "--auth=trust",  # the socket is in a directory that only its owner can enter
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",  # a LANG that is not installed would fail, and an empty one gives SQL_ASCII
    "--no-instructions",
)


class PreparationError(ServerError):
    """A server's files could not be made."""

    def __init__(self, what: str, words: str) -> None:
        self.what, self.words = what, words
        super().__init__(f"{what} failed: {words}")


class Postgres:
    """PostgreSQL 18 out of its wheel."""

    name = "postgres"
    title = "PostgreSQL 18"
    stop_signal = signal.SIGINT  # "fast": SIGTERM would wait for open sessions

    def __init__(self, var: Path) -> None:
        self.data = var / "postgres"
        self.sockets = var / "run"
        self.lock = Lock(var / "run" / "postgres.lock")

    def prepare(self) -> None:
        """Take the lock, end what a killed platform left, make the cluster with its database if missing."""
        self.lock.acquire()
        self._bin = binaries.postgres()
        self._account = account.choose(self.data)
        end_those_in(self.data, self._bin / "postgres", signal.SIGQUIT)  # at once, sessions or not
        if not (self.data / "PG_VERSION").exists():
            self._make_cluster()
        self._give_to_owner(self.data)
        self._forget_stale_pid()

    @property
    def note(self) -> str:
        """What a person should know about how it runs; mostly nothing."""
        return self._account.note

    @property
    def argv(self) -> list[str]:
        """The command of the supervised child."""
        sockets = '"' + str(self.sockets).replace('"', '""') + '"'
        settings = {
            "listen_addresses": "",
            "port": str(PORT),
            "unix_socket_directories": sockets,
            "unix_socket_permissions": "0700",
            "timezone": "UTC",
            "log_timezone": "UTC",
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return [*self._account.prefix, str(self._bin / "postgres"), "-D", str(self.data), *options]

    @property
    def environment(self) -> Mapping[str, str]:
        """Nothing of ours: a PGPORT or PGDATA of the person's shell would change what it does."""
        return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}

    def is_ready(self, pid: int) -> bool:
        """It says so itself in the eighth line of its pid file."""
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return len(lines) >= 8 and lines[0] == str(pid) and lines[7].strip() == "ready"

    def _make_cluster(self) -> None:
        """Made beside its place and renamed: a killed initdb leaves nothing that looks like a cluster."""
        unfinished = self.data.with_suffix(".new")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        self._give_to_owner(unfinished)
        directory = ["-D", str(unfinished)]
        self._run(["initdb", *directory, *_INITDB])
        self._run(["postgres", "--single", *directory, "postgres"], "CREATE DATABASE jobsite;\n")
        if self.data.is_dir():
            self.data.rmdir()
        unfinished.rename(self.data)

    def _run(self, command: list[str], text: str = "") -> None:
        program, *arguments = command
        ran = subprocess.run(
            [*self._account.prefix, str(self._bin / program), *arguments],
            input=text,
            capture_output=True,
            text=True,
            check=False,
            cwd=self.data.parent,
            start_new_session=True,  # a Ctrl-C at the terminal is for the supervisor alone
            env=dict(self.environment),
        )
        if ran.returncode != 0:
            raise PreparationError(program, " ".join(ran.stderr.split())[-500:])

    def _give_to_owner(self, directory: Path) -> None:
        owner = self._account.owner
        if owner is None or directory.stat().st_uid == owner:
            return
        for path in (directory, *directory.rglob("*")):
            os.chown(path, owner, -1, follow_symlinks=False)

    def _forget_stale_pid(self) -> None:
        """The number in it may live again as somebody else, and PostgreSQL would then refuse to start.

        We hold the lock and no process of a server is left in the directory, so the number is nobody's.
        """
        for file in (self.data / "postmaster.pid", self.sockets / f".s.PGSQL.{PORT}.lock"):
            file.unlink(missing_ok=True)
