"""One look at a running platform: memory, descriptors and threads by kind of process, and what it keeps."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import psutil
import psycopg
import redis

from benchmarks import machine
from jobsite.environment import embedded_database_url
from jobsite.run.processes import STOP_ORDER
from tests.platform import Platform

Look = dict[tuple[str, str], float]
"""What was seen, by kind of thing and measure. Memory is in MiB."""

PAGE = os.sysconf("SC_PAGE_SIZE")
ATTEMPT = re.compile(r"\d+\.\d+")
KEPT = """
SELECT count(*), count(*) FILTER (WHERE phase <> 'DONE'),
       count(*) FILTER (WHERE phase = 'DONE' AND ended_at < clock_timestamp() - %s * interval '1 second'),
       (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend') - 1
FROM jobs_job
"""


class Census:
    """Looks again and again at the same platform, and is told when one of its processes was replaced."""

    def __init__(self, platform: Platform, retention: float) -> None:
        self._platform = platform
        self._retention = retention
        self._rows = psycopg.connect(embedded_database_url(platform.var), autocommit=True)
        self._broker = redis.Redis(unix_socket_path=str(platform.var / "run" / "broker.sock"))
        self._children = {name: platform.child(name) for name in STOP_ORDER}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._rows.close()
        self._broker.close()

    def replaced(self) -> list[str]:
        """The processes that are others than at the beginning: they died, or started themselves anew."""
        return [name for name, child in self._children.items() if self._platform.child(name) != child]

    def look(self) -> Look:
        """All of it, now."""
        seen: Look = {}
        for kind, pids in self._kinds():
            for what, value in _measures(pids):
                seen[kind, what] = value
        return seen | self._kept()

    def _kept(self) -> Look:
        jobs, live, old, connections = self._rows.execute(KEPT, [self._retention]).fetchone() or (0, 0, 0, 0)
        spool = self._platform.var / "spool" / "n1"
        directories = sum(ATTEMPT.fullmatch(entry.name) is not None for entry in spool.iterdir())
        scratch = len(_entries(self._platform.var / "scratch"))
        told = self._broker.info()
        return {
            ("jobs", "live"): live,
            ("database", "connections"): connections,
            ("broker", "keys"): self._broker.dbsize(),
            ("broker", "clients"): told["connected_clients"] - 1,
            ("broker", "own count MB"): told["used_memory"] / 2**20,
            ("spool", "directories"): directories,
            ("spool", "beyond retention"): directories - (jobs - old),
            ("scratch", "directories"): scratch,
            ("scratch", "beyond retention"): scratch - (jobs - old),
            ("run", "files"): len(_entries(self._platform.var / "run")),
        }

    def _kinds(self) -> Iterator[tuple[str, list[int]]]:
        yield "supervisor", [self._platform.pid]
        for name in STOP_ORDER:
            pid = self._children[name].pid
            if name == "postgres":
                yield name, [pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))]
                continue
            yield name, [pid]
            if name == "worker":
                yield (
                    "launcher",
                    [found for found in machine.children(pid) if _name(found) == "jobsite-launch"],
                )


def _measures(pids: list[int]) -> Iterator[tuple[str, float]]:
    """Of these processes together; one that has just ended counts no more."""
    totals = {"RSS MB": 0.0, "PSS MB": 0.0, "own MB": 0.0, "descriptors": 0.0, "threads": 0.0}
    for pid in pids:
        try:
            rollup = _rollup(pid)
            totals["descriptors"] += len(os.listdir(f"/proc/{pid}/fd"))  # noqa: PTH208 - a count of names
            totals["threads"] += len(os.listdir(f"/proc/{pid}/task"))  # noqa: PTH208
        except (FileNotFoundError, ProcessLookupError):
            continue
        totals["RSS MB"] += rollup["Rss"] / 1024
        totals["PSS MB"] += rollup["Pss"] / 1024
        totals["own MB"] += rollup["Pss_Anon"] / 1024
    yield from totals.items()


def _rollup(pid: int) -> dict[str, int]:
    """What the kernel sums up of a process's memory, in KiB."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    return {name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines)}


def _entries(directory: Path) -> list[Path]:
    return list(directory.iterdir()) if directory.is_dir() else []


def _name(pid: int) -> str:
    return Path(f"/proc/{pid}/comm").read_text().strip()
