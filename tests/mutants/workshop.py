"""A copy of the project with servers that stay, where one version of it after the other is tested.

Every run gets a database that is a copy of an empty one, an empty broker, and an empty session directory;
what it leaves running is ended. So no run sees anything of the one before it.
"""

import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import cache_from_source
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import psycopg
import redis

from jobsite.embedded.servers import EmbeddedServers
from tests.eventually import eventually
from tests.mutants.warm import NEEDS_A_START, OPTIONS
from tests.remains import killed_in
from tests.session import LENT, ROOT, database_url, remove_groups

COPIED = (
    *("jobs", "jobsite", "recovery", "scheduler", "templates", "tests", "bin"),
    *("manage.py", "pyproject.toml"),
)
UNWANTED = shutil.ignore_patterns("__pycache__", "*.pyc")
AT_MOST = 300.0
"""Seconds for all the tests of one mutant; one test has 60."""
TESTED, EMPTY = "jobsite_tests", "jobsite_empty"

Changed = tuple[str, str, str]
"""A file, its text as it was, and its new text."""


class Verdict(NamedTuple):
    """What the tests said of one version."""

    failed: list[str]
    """The tests that failed, in their order, each with its last words."""
    violated: dict[str, list[str]]
    """By invariant, the tests at whose end it did not hold."""
    passed: int
    seconds: float
    trouble: str = ""
    """Why nothing can be said: no test could be run, or they did not come to an end."""


class Workshop:
    """One copy of the project and two servers."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.tree = directory / "tree"
        self.report = directory / "report.json"
        self._sessions = directory / "s"
        self._colder = directory / "c"
        self._log = directory / "tests.log"
        self._servers = EmbeddedServers(directory / "var")
        self._loaded: subprocess.Popen[str] | None = None

    @contextmanager
    def open(self, tests: Sequence[str]) -> Iterator[None]:
        """Copy the project, make the empty database of which each run gets a copy, load these tests."""
        self._copy()
        with self._servers:
            self._sql("ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()")  # nobody's rows are in it
            self._sql(f"CREATE DATABASE {EMPTY}")
            migrate = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
            subprocess.run(migrate, cwd=self.tree, env=_environment(**self._settings()), check=True)
            try:
                self._load(tests)
                yield
            finally:
                self._let_go()

    def test(
        self, tests: Sequence[str], *options: str, changed: Changed | None = None, within: float = AT_MOST
    ) -> Verdict:
        """Run these tests on the copy, changed as is told, and put it back as it was."""
        self._sql(
            f"DROP DATABASE IF EXISTS {TESTED} WITH (FORCE)", f"CREATE DATABASE {TESTED} TEMPLATE {EMPTY}"
        )
        with redis.Redis(unix_socket_path=urlsplit(self._servers.redis_url).path) as broker:
            broker.flushall()
        self.report.unlink(missing_ok=True)
        command = [f"--report={self.report}", "--timeout=60", *options, *tests]
        if changed is not None:
            self._write(changed[0], changed[2])
        try:
            if self._ask(changed, command, within) == str(NEEDS_A_START):
                self._start(command, within)
        finally:
            if changed is not None:
                self._write(changed[0], changed[1])
        if not self.report.exists():
            return Verdict(
                [], {}, 0, within, self._log.read_text(errors="replace")[-2000:] or "nothing was said"
            )
        told: dict[str, Any] = json.loads(self.report.read_text())
        return Verdict(**told)

    def _copy(self) -> None:
        self.tree.mkdir()
        self._sessions.mkdir()
        self._colder.mkdir()
        for name in COPIED:
            place = self.tree / name
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, place, ignore=UNWANTED, symlinks=True)
            else:
                shutil.copy2(ROOT / name, place)
        (self.tree / ".venv").symlink_to((ROOT / ".venv").resolve())

    def _load(self, tests: Sequence[str]) -> None:
        self._loaded = subprocess.Popen(
            [sys.executable, "-m", "tests.mutants.warm"],
            cwd=self.tree,
            env=self._lending(self._sessions),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log.open("w"),
            text=True,
            start_new_session=True,
        )
        answer = self._answer([tests])
        assert answer == "loaded", self._log.read_text()

    def _ask(self, changed: Changed | None, command: Sequence[str], within: float) -> str:
        os.truncate(self._log, 0)
        return self._answer([changed, command, within])

    def _answer(self, question: object) -> str:
        assert self._loaded is not None
        assert self._loaded.stdin is not None
        assert self._loaded.stdout is not None
        self._loaded.stdin.write(json.dumps(question) + "\n")
        self._loaded.stdin.flush()
        return self._loaded.stdout.readline().strip()

    def _let_go(self) -> None:
        if self._loaded is not None:
            with self._loaded as process:
                process.terminate()
        eventually(
            lambda: killed_in(self._sessions), within=20, what="the end of what the tests left running"
        )

    def _start(self, command: Sequence[str], within: float) -> None:
        """Test a version that cannot be exchanged in memory."""
        with self._log.open("w") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "pytest", *OPTIONS, *command],
                cwd=self.tree,
                env=self._lending(self._colder),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
            try:
                process.wait(within)
            except subprocess.TimeoutExpired:
                log.write(f"the tests did not come to an end within {within:.0f} s")
            finally:
                process.kill()
                process.wait()
        remove_groups(self._colder)
        eventually(lambda: killed_in(self._colder), within=20, what="the end of what a mutant left running")

    def _write(self, file: str, text: str) -> None:
        """Change one file. What was compiled of it is forgotten: it goes by size and second."""
        path = self.tree / file
        path.write_text(text)
        Path(cache_from_source(str(path))).unlink(missing_ok=True)

    def _lending(self, place: Path) -> dict[str, str]:
        return _environment(**{LENT: str(self._servers.var), "TMPDIR": str(place)})

    def _settings(self) -> dict[str, str]:
        return {
            "DATABASE_URL": database_url(self._servers, EMPTY),
            "REDIS_URL": self._servers.redis_url,
            "JOBSITE_VAR": str(self._servers.var),
            "JOBSITE_SECRET_KEY": secrets.token_urlsafe(48),
        }

    def _sql(self, *statements: str) -> None:
        with psycopg.connect(database_url(self._servers, "postgres"), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)


def _environment(**more: str) -> dict[str, str]:
    """Ours, without what would change how the copy is loaded; our own import has set the settings' name."""
    ours = ("PYTEST", "PYTHON", "DJANGO_SETTINGS_MODULE")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)} | more


@contextmanager
def workshop(tests: Sequence[str]) -> Iterator[Workshop]:
    """One that is taken away again, with all that runs in it."""
    directory = Path(tempfile.mkdtemp(prefix="jm-"))
    try:
        made = Workshop(directory)
        with made.open(tests):
            yield made
    finally:
        shutil.rmtree(directory)
