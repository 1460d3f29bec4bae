"""Short jobs per second through Jobsite and through a bare Celery queue, and their ratio.

Both run the same script as many times, with as many at once, on the same broker. The script appends one line
to a file; a round is over when the file has all lines. The rounds alternate, so that both meet the same
noise. No figure is printed if a job did not complete, or ran twice.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from benchmarks import machine
from tests.client import Client
from tests.eventually import eventually
from tests.platform import Platform

AT_ONCE = 4
PATIENCE = 600.0

Submit = Callable[[str], object]


def main(arguments: list[str]) -> None:
    """Measure, and print one line a round and one line of the whole."""
    options = _options(arguments)
    print(machine.line())
    with tempfile.TemporaryDirectory(prefix="js-") as directory:
        var = Path(directory) / "var"
        settings = {"JOBSITE_CPUS": str(AT_ONCE), "JOBSITE_MEMORY": "8G", "JOBSITE_TIME_SCALE": "1"}
        with Platform(var, **settings) as platform, bare_worker(var) as send:
            client = Client(platform.url, platform.cli_token)
            ratios = []
            for number in range(options.rounds):
                witness, numbers = var.parent / f"ours-{number}", list[int]()
                ours = per_second(witness, options.jobs, lambda s, to=numbers: to.append(client.submit(s)))
                each_ran_once(witness, client, numbers)
                theirs = per_second(var.parent / f"bare-{number}", options.jobs, send)
                ratios.append(ours / theirs)
                print(f"round {number + 1}: jobsite {ours:.1f} jobs/s, bare queue {theirs:.1f} jobs/s")
    print(f"ratio jobsite / bare queue: median {statistics.median(ratios):.3f} of {len(ratios)} rounds")


def per_second(witness: Path, jobs: int, start: Submit) -> float:
    """Submit this many jobs and wait until each has written its line."""
    script = f"#!/bin/sh\necho x >>{witness}\n"
    witness.touch()
    begun = time.monotonic()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(start, [script] * jobs))
    eventually(lambda: witness.stat().st_size >= 2 * jobs, within=PATIENCE, every=0.01, what="all lines")
    return jobs / (time.monotonic() - begun)


def each_ran_once(witness: Path, client: Client, numbers: list[int]) -> None:
    """All have completed at their first attempt, and the file has one line of each."""
    ended = client.ended(*numbers, within=PATIENCE)
    assert {(job["state"], job["attempt"]) for job in ended} == {("COMPLETED", 1)}
    assert witness.stat().st_size == 2 * len(numbers), f"{witness.stat().st_size / 2} starts"


@contextmanager
def bare_worker(var: Path) -> Iterator[Submit]:
    """A bare Celery worker on the platform's broker, in a database of its own; how to send it a script."""
    os.environ["BARE_BROKER"] = f"redis+socket://{var / 'run' / 'broker.sock'}?virtual_host=7"
    from benchmarks.bare_queue import run  # noqa: PLC0415 - it reads the broker's address

    scripts = Path(tempfile.mkdtemp(dir=var.parent))
    command = [sys.executable, "-m", "celery", "-A", "benchmarks.bare_queue", "worker", "--concurrency"]
    worker = subprocess.Popen(
        [*command, str(AT_ONCE)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=dict(os.environ)
    )

    @cache
    def file_of(script: str) -> str:
        descriptor, name = tempfile.mkstemp(dir=scripts)
        with os.fdopen(descriptor, "w") as file:
            file.write(script)
            os.fchmod(descriptor, 0o700)
        return name

    def send(script: str) -> None:
        run.apply_async([file_of(script)])

    try:
        yield send
    finally:
        worker.terminate()
        worker.wait()


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks throughput", description=__doc__)
    parser.add_argument("--jobs", type=int, default=500, help="in each round")
    parser.add_argument("--rounds", type=int, default=3)
    return parser.parse_args(arguments)
