"""What one run of the tests starts, and the proof that it takes all of it away again."""

import os
import secrets
import shutil
import tempfile
from pathlib import Path

from jobs.execution import cage, cgroup
from jobs.execution.cgroup import Cages, NoGroupError
from jobsite.embedded.servers import EmbeddedServers
from tests.remains import lasting_processes_of

ROOT = Path(__file__).resolve().parent.parent
LENT = "JOBSITE_TEST_SERVERS"
"""Names the data directory of servers that run already: who tests many versions of the product starts none
each time. Who lends them sees to it that nothing is in them but an empty database of the tests."""
_CACHES = {".git", ".venv", "__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis"}


class Session:
    """A private directory with its own PostgreSQL and broker, told to everything through the environment."""

    def __init__(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="js-"))
        self._lent = os.environ.get(LENT, "")
        self.servers = EmbeddedServers(Path(self._lent) if self._lent else self.directory / "var")
        self._files_before = files_in(ROOT)
        self._environment_before = dict(os.environ)
        self._environment_before.pop("DJANGO_SETTINGS_MODULE", None)  # our own import has set it

    def start(self) -> None:
        """Start the servers and set the variables that settings and child processes read."""
        for name in [name for name in os.environ if name.startswith(("PG", "JOBSITE_"))]:
            if name != "JOBSITE_REQUIRE_BROWSER":
                del os.environ[name]
        os.environ |= {
            "TMPDIR": str(self.directory),
            "DJANGO_SETTINGS_MODULE": "jobsite.settings",
            "JOBSITE_VAR": str(self.directory / "var"),
            "JOBSITE_NODE_NAME": "test",
            "JOBSITE_TIME_SCALE": "0.2",
            "JOBSITE_SECRET_KEY": secrets.token_urlsafe(48),
            "DATABASE_URL": database_url(self.servers),
            "REDIS_URL": self.servers.redis_url,
        }
        tempfile.tempdir = None  # it remembers the directory of before
        if self._lent:
            (self.directory / "var").mkdir(mode=0o700)
        else:
            self.servers.__enter__()

    def stop(self) -> None:
        """Stop the servers and remove the directory. Done once, however often it is asked for."""
        if not self.directory.exists():
            return
        if not self._lent:
            self.servers.__exit__(None, None, None)
        os.environ.clear()
        os.environ.update(self._environment_before)
        tempfile.tempdir = None
        remove_groups(self.directory)
        shutil.rmtree(self.directory)

    def left_behind(self) -> list[str]:
        """Processes of this run that still live, and files that were not there before it."""
        processes = [f"process {pid}: {command}" for pid, command in lasting_processes_of(self.directory)]
        files = [f"file {path}" for path in sorted(files_in(ROOT) - self._files_before)]
        return processes + files


def database_url(servers: EmbeddedServers, name: str = "jobsite_tests") -> str:
    """One of the databases of these servers."""
    return servers.database_url.replace("/jobsite?", f"/{name}?")


def remove_groups(directory: Path) -> None:
    """The control groups of every spool below this directory, whose workers may have been killed."""
    spool_ids = [file.read_text().strip() for file in directory.rglob("spool_id") if file.is_file()]
    try:
        places = list(cgroup.places())
    except NoGroupError:
        return
    for cages in (Cages.below(place, spool_id) for place in places for spool_id in spool_ids):
        for name in cages.names():
            cage.kill(cages.path(name))
            cage.remove(cages.path(name))
        cages.close()


def files_in(root: Path) -> set[Path]:
    """Every file of the project but those of caches, of results, and of a platform that may run in var/."""
    found: set[Path] = set()
    for directory, directories, files in os.walk(root):
        directories[:] = [
            name
            for name in directories
            if name not in _CACHES and Path(directory, name) not in (root / "var", root / "test-results")
        ]
        found.update(Path(directory, name) for name in files if not name.endswith(".pyc"))
    return found
