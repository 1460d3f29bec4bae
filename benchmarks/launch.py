"""Starting jobs: launcher and wrapper beside a bare `subprocess.Popen` and `sh -c`, jobs/s and CPU per job.

Each way runs the same script, /bin/true, as many times, two at a time; the rounds alternate, so that all meet
the same noise. The CPU is that of everything but the client that asks: launcher, wrapper and job on our side,
the process itself (and its shell) on the other. What a job costs by itself is what the bare process costs.
"""

import argparse
import os
import resource
import select
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import machine

AT_ONCE = 2
SCRIPT = b"#!/bin/true\n"
AIM = 3.0
"""Milliseconds of CPU per job, beyond the job's own."""


@dataclass
class Way:
    """One way to run a script, and what its rounds took."""

    name: str
    run: Callable[[int], None]
    cpu: Callable[[], float]
    rates: list[float] = field(default_factory=list)
    costs: list[float] = field(default_factory=list)

    def round(self, numbers: Iterable[int], jobs: int) -> None:
        """Run each job once."""
        cpu, begun = self.cpu(), time.monotonic()
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(self.run, numbers))
        self.rates.append(jobs / (time.monotonic() - begun))
        self.costs.append(1000 * (self.cpu() - cpu) / jobs)

    def __str__(self) -> str:
        spread = f"{min(self.rates):.0f} to {max(self.rates):.0f}"
        return f"{self.name:<22}{self.rate:6.0f} jobs/s ({spread}) {self.cost:6.2f} ms of CPU per job"

    @property
    def rate(self) -> float:
        """Jobs per second, the median of the rounds."""
        return statistics.median(self.rates)

    @property
    def cost(self) -> float:
        """Milliseconds of CPU, the median of the rounds."""
        return statistics.median(self.costs)


def main(arguments: list[str]) -> None:
    """Measure, and print one line for each way and the ratios."""
    options = _options(arguments)
    print(machine.line())
    with tempfile.TemporaryDirectory(prefix="js-", dir=options.directory) as directory:
        script = Path(directory) / "true"
        script.write_bytes(SCRIPT)
        script.chmod(0o700)
        bare = Way("subprocess.Popen", lambda _: _popen([str(script)]), _children_cpu)
        shell = Way("sh -c", lambda _: _popen(["/bin/sh", "-c", f"{script}; exit $?"]), _children_cpu)
        ours = _ours(Path(directory), options.jobs * options.rounds)
        for number in range(options.rounds):
            first = number * options.jobs
            for way in (bare, shell, ours):
                way.round(range(first + 1, first + options.jobs + 1), options.jobs)
        for way in (bare, shell, ours):
            print(way)
    beyond = ours.cost - bare.cost
    print(f"ratio to Popen {ours.rate / bare.rate:.2f}, to sh -c {ours.rate / shell.rate:.2f}")
    print(f"launcher and wrapper: {beyond:.2f} ms of CPU per job beyond the job's own; aim {AIM:g}")


def _popen(command: list[str]) -> None:
    assert subprocess.run(command, stdin=subprocess.DEVNULL, check=False).returncode == 0


def _children_cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _ours(directory: Path, jobs: int) -> Way:
    """The product's own launcher and spool; a job counts when its wrapper has gone and has said 0."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "jobsite.settings")
    from jobs.execution import launcher  # noqa: PLC0415 - it reads no setting before it is used
    from jobs.execution.spool import Request, Spool  # noqa: PLC0415

    spool = Spool.open(directory / "spool")
    for number in range(1, jobs + 1):
        made = spool.attempt(number, 1)
        made.make()
        facts = {"arguments": [], "environment": {"PATH": os.defpath}, "work_dir": "/"}
        limits = {"time_limit_seconds": 600.0, "grace_seconds": 1.0}
        made.write_request(Request(job_id=number, attempt=1, token=made.token, **facts, **limits), SCRIPT)
    pid = launcher.start()

    def run(number: int) -> None:
        attempt = spool.attempt(number, 1)
        assert isinstance(launcher.launch(attempt), launcher.Launched)
        ticket = attempt.ticket()
        assert ticket is not None
        assert ticket.wrapper is not None
        _wait(ticket.wrapper.pid)
        outcome = attempt.outcome()
        assert outcome is not None
        assert outcome.exit_code == 0

    return Way("launcher and wrapper", run, lambda: machine.cpu_seconds(pid))


def _wait(pid: int) -> None:
    with suppress(ProcessLookupError):
        pidfd = os.pidfd_open(pid)
        with os.fdopen(pidfd):
            poll = select.poll()
            poll.register(pidfd, select.POLLIN)
            poll.poll()


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks launch", description=__doc__)
    parser.add_argument("--jobs", type=int, default=500, help="in each round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--directory", help="where the spool is made; its disk pays for the fsyncs")
    return parser.parse_args(arguments)
