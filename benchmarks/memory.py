"""64 jobs that wait: the memory and the CPU of worker, launcher and wrappers, without the jobs themselves."""

import argparse
import tempfile
import threading
from pathlib import Path

from benchmarks import machine
from tests.client import Client
from tests.platform import Platform

AIM = 200
"""Megabytes, for 64 jobs."""
WINDOW = 20.0
"""Seconds over which the CPU is measured."""


def main(arguments: list[str]) -> None:
    """Start a platform and the jobs, measure, and print it by kind of process."""
    options = _options(arguments)
    with tempfile.TemporaryDirectory(prefix="js-") as directory:
        settings = {"JOBSITE_CPUS": str(options.jobs), "JOBSITE_MEMORY": "8G", "JOBSITE_TIME_SCALE": "1"}
        with Platform(Path(directory) / "var", **settings) as platform:
            client = Client(platform.url, platform.cli_token)
            jobs = [client.submit("exec sleep 3600") for _ in range(options.jobs)]
            for job in jobs:
                client.until(job, "ACTIVE")
            _tell(platform.child("worker").pid, options.jobs)


def _tell(worker: int, jobs: int) -> None:
    (launcher,) = [pid for pid in machine.children(worker) if _name(pid) == "jobsite-launch"]
    wrappers = machine.children(launcher)
    assert len(wrappers) == jobs, f"{len(wrappers)} wrappers for {jobs} jobs"
    kinds = {"worker": [worker], "launcher": [launcher], "wrappers": wrappers}
    before = {kind: sum(map(machine.own_cpu_seconds, pids)) for kind, pids in kinds.items()}
    threading.Event().wait(WINDOW)
    print(machine.line())
    total = share = 0.0
    for kind, pids in kinds.items():
        memory = sum(map(machine.pss_mb, pids))
        cpu = 100 * (sum(map(machine.own_cpu_seconds, pids)) - before[kind]) / WINDOW
        total, share = total + memory, share + cpu
        print(f"{kind:<10}{len(pids):4} processes {memory:7.1f} MB PSS {cpu:6.2f} % of a core")
    print(f"{jobs} waiting jobs: {total:.0f} MB in all, aim {AIM}; {share:.1f} % of a core")


def _name(pid: int) -> str:
    return Path(f"/proc/{pid}/comm").read_text().strip()


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks memory", description=__doc__)
    parser.add_argument("--jobs", type=int, default=64)
    return parser.parse_args(arguments)
