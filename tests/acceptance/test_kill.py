"""kill -9 of every Celery process under running jobs: no job notices, and every exit code is recorded."""

import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from signal import SIGCONT, SIGSTOP

import pytest

from tests.acceptance.witness import Gate, Witness
from tests.client import Client
from tests.eventually import eventually
from tests.platform import Platform

pytestmark = pytest.mark.acceptance

CODES = (0, 1, 2, 3, 5, 7, 11, 19, 31, 42, 63, 77, 99, 100, 126, 127, 128, 143, 200, 255)
CELERY = ("worker", "beat", "flower")


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    with Platform(tmp_path_factory.mktemp("kill") / "var", JOBSITE_CPUS="32") as running:
        yield running


@pytest.fixture
def later(tmp_path: Path) -> Iterator[Gate]:
    """A second gate."""
    made = Gate(tmp_path / "later")
    yield made
    made.close()


def test_kill_9_of_every_celery_process_disturbs_no_job(
    platform: Platform, client: Client, witness: Witness, gate: Gate, later: Gate
) -> None:
    waits = [gate.wait, later.wait]
    scripts = [witness.script(f"{waits[n % 2]}\nexit {code}") for n, code in enumerate(CODES)]
    jobs = [client.submit(script, name=f"exit-{code}") for script, code in zip(scripts, CODES, strict=True)]
    for job in jobs:
        client.until(job, "ACTIVE")

    began = time.monotonic()
    killed = {name: platform.kill(name) for name in CELERY}
    gate.open()  # half of them end while no worker lives
    for name, child in killed.items():
        platform.wait_restarted(name, child)
    restarted = time.monotonic()
    client.ended(*jobs[::2], within=60)
    later.open()  # the others under the worker that the platform has started
    ended = client.ended(*jobs, within=60)
    recorded = time.monotonic()

    sys.stdout.write(
        f"20 exit codes recorded {recorded - restarted:.1f} s after the restart, "
        f"which came {restarted - began:.1f} s after the kill\n"
    )
    assert [job["exit_code"] for job in ended] == list(CODES)
    assert {job["attempt"] for job in ended} == {1}
    assert witness.saw_each_start_once(*jobs)
    assert recorded - restarted < 20


def test_a_worker_killed_again_and_again_while_it_launches_loses_no_job_and_starts_none_twice(
    platform: Platform, client: Client, witness: Witness
) -> None:
    scheduler = platform.kill("scheduler", SIGSTOP)
    jobs = [client.submit(witness.script()) for _ in range(40)]
    assert platform.kill("scheduler", SIGCONT) == scheduler  # it gives all of them their places at once
    for enough in (1, 12, 24):
        eventually(partial(witness.saw_starts, enough), within=60)
        platform.wait_restarted("worker", platform.kill("worker"))
    ended = client.ended(*jobs, within=90)
    assert {(job["state"], job["exit_code"]) for job in ended} == {("COMPLETED", 0)}
    assert witness.saw_each_start_once(*jobs)
