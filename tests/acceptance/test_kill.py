"""kill -9 of everything that has to do with running jobs: each end is recorded as it was, nothing is left.

`make kills` plays the same rounds often and with many jobs, and prints how long the ends took to be recorded.
"""

import os
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from signal import SIGCONT, SIGSTOP
from statistics import quantiles

import pytest

from tests.acceptance import kill_victims as victims
from tests.acceptance.kill_rounds import Round
from tests.acceptance.kill_victims import Victim
from tests.acceptance.witness import Witness
from tests.client import Client
from tests.eventually import eventually
from tests.platform import Platform

ROUNDS = int(os.environ.get("KILL_ROUNDS") or 1)
JOBS = int(os.environ.get("KILL_JOBS") or 20)
TIMES = {"JOBSITE_TIME_SCALE": "1"} if "KILL_ROUNDS" in os.environ else {}
"""Who measures measures with the platform's own times."""
SOON = 20.0
"""The promise: so many seconds after the worker is back, or the job is over, its true end is recorded."""

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(180 + 120 * ROUNDS)]

Play = Callable[[Victim], None]


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    var = tmp_path_factory.mktemp("kill") / "var"
    with Platform(var, JOBSITE_CPUS=str(JOBS + 20), **TIMES) as running:
        yield running


@pytest.fixture
def play(platform: Platform, client: Client, tmp_path: Path) -> Play:
    """All rounds with one victim. Every end of each was true, soon recorded, and left nothing behind."""

    def rounds(strike: Victim) -> None:
        took: list[float] = []
        for number in range(ROUNDS):
            with Round(platform, client, tmp_path / f"round-{number}") as going:
                going.begin(JOBS)
                going.end(strike(going))
                took += going.judge()
            assert max(took) <= SOON
        _say(strike, took)

    return rounds


def _say(strike: Victim, took: list[float]) -> None:
    twentieths = quantiles(took, n=20)
    sys.stdout.write(
        f"\n{strike.__name__}: {ROUNDS} rounds of {JOBS} jobs; run twice 0, strays 0, unreleased 0; true ends"
        f" recorded after p50 {twentieths[9]:.2f} s, p95 {twentieths[18]:.2f} s, max {max(took):.2f} s\n"
    )


def test_f38_kill_9_of_every_celery_process_disturbs_no_job(play: Play) -> None:
    """F38, F53: every exit code is recorded exactly, also of jobs that ended while no worker lived."""
    play(victims.every_celery_process)


def test_kill_9_of_the_launcher_disturbs_no_job_and_the_next_ones_get_another(play: Play) -> None:
    play(victims.the_launcher)


def test_f39_kill_9_of_a_wrapper_leaves_its_job_running_and_its_end_is_seen(play: Play) -> None:
    """F39, F53: such a job is adopted; how it ended nobody knows, and its row says so."""
    play(victims.a_wrapper)


def test_f40_kill_9_of_a_wrapper_and_its_job_is_seen_and_frees_what_they_held(play: Play) -> None:
    """F40: the supervisor is lost, and its CPUs are free for the next round."""
    play(victims.a_wrapper_and_its_job)


def test_a_worker_killed_again_and_again_while_it_launches_loses_no_job_and_starts_none_twice(
    platform: Platform, client: Client, witness: Witness
) -> None:
    """F34, F35, F36: it dies before claims, after them, and after tickets."""
    scheduler = platform.kill("scheduler", SIGSTOP)
    jobs = [client.submit(witness.script()) for _ in range(40)]
    assert platform.kill("scheduler", SIGCONT) == scheduler  # it gives as many as there are CPUs their places
    for enough in (1, 12, 24):
        eventually(partial(witness.saw_starts, enough), within=60)
        platform.wait_restarted("worker", platform.kill("worker"))
    ended = client.ended(*jobs, within=90)
    assert {(job["state"], job["exit_code"]) for job in ended} == {("COMPLETED", 0)}
    assert witness.saw_each_start_once(*jobs)
