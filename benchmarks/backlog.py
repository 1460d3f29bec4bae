"""A long queue: what the sweep at a worker's start, and a pass of the scheduler, cost as it grows.

Each point has servers of its own, with so many jobs that wait and a thousand that have their place and whose
messages are gone; each question is put to it by a fresh process, which says how long it took and how much
memory it had at most. The sweep must send each lost message once; both must cost about the same memory for
1,000 and 100,000 waiting jobs.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import redis

from benchmarks import machine, results
from jobsite.embedded.servers import EmbeddedServers

SECONDS = 20.0
"""Of CPU that the sweep may take for a thousand messages, whatever waits; a busy machine has other clocks."""
FLAT = 32.0
"""MiB that the longest queue may take more than the shortest."""


def main(arguments: list[str]) -> None:
    """Measure each point, print the curve and the ratio of its ends, and fail when it is not flat."""
    options = _options(arguments)
    print(machine.line(), flush=True)
    points = [_point(waiting, options.placed) for waiting in options.waiting]
    lines = [line for name in ("sweep", "pass") for line in _curve(name, points)]
    print("\n".join(lines))
    failures = _failures(points)
    told = {"placed": options.placed, "points": points, "failures": failures}
    results.keep("backlog", {**told, "lines": lines + failures})
    if failures:
        raise SystemExit("\n".join(failures))


def _curve(name: str, points: list[dict[str, Any]]) -> Iterator[str]:
    """The table, and the ratio of its ends."""
    head = f"{'waiting':>9}{'seconds':>9}{'of CPU':>9}{'then':>9}{'MiB before':>12}{'MiB at most':>13}"
    yield f"{name:<7}{head}"
    for point in points:
        told = point[name]
        times = f"{told['seconds']:9.2f}{told['cpu']:9.2f}{told['then']:9.2f}"
        memory = f"{told['before_mb']:12.1f}{told['peak_mb']:13.1f}"
        yield f"{point['waiting']:>16}{times}{memory}  {told['did']}"
    first, last = points[0], points[-1]
    ratio = last[name]["seconds"] / first[name]["seconds"]
    ends = f"{last['waiting']:,} waiting to {first['waiting']:,}"
    yield f"{name}, {ends}: {ratio:.1f} times as long, {_grown(first, last, name):+.1f} MiB at most"


def _failures(points: list[dict[str, Any]]) -> list[str]:
    grown = {name: _grown(points[0], points[-1], name) for name in ("sweep", "pass")}
    found = [f"{name} takes {more:.0f} MiB more" for name, more in grown.items() if more > FLAT]
    found += [f"messages {point['messages']}" for point in points if point["messages"] != point["placed"]]
    slow = [point["sweep"]["cpu"] for point in points if point["sweep"]["cpu"] > SECONDS]
    return found + [f"a sweep took {seconds} s of CPU" for seconds in slow]


def _grown(first: dict[str, Any], last: dict[str, Any], name: str) -> float:
    return float(last[name]["peak_mb"] - first[name]["peak_mb"])


def _point(waiting: int, placed: int) -> dict[str, Any]:
    """One length of the queue."""
    with tempfile.TemporaryDirectory(prefix="js-") as directory:
        var = Path(directory) / "var"
        with EmbeddedServers(var) as servers:
            told = {
                **{
                    name: text for name, text in os.environ.items() if not name.startswith(("PG", "JOBSITE_"))
                },
                "DJANGO_SETTINGS_MODULE": "jobsite.settings",
                "JOBSITE_VAR": str(var),
                "JOBSITE_NODE_NAME": "n1",
                "DATABASE_URL": servers.database_url,
                "REDIS_URL": servers.redis_url,
            }
            _ask(told, "fill", waiting, placed)
            swept = _ask(told, "sweep")
            with redis.Redis(unix_socket_path=str(var / "run" / "broker.sock")) as broker:
                messages = broker.llen("node.n1")
            point = {"waiting": waiting, "placed": placed, "messages": messages, "sweep": swept}
            return {**point, "pass": _ask(told, "pass")}


def _ask(environment: dict[str, str], *words: object) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.backlog_questions", *map(str, words)]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks backlog", description=__doc__)
    parser.add_argument("--waiting", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--placed", type=int, default=1_000)
    return parser.parse_args(arguments)
