"""Nothing of the promise rests on Celery Beat: dead from the start, twice or hanging, every bound holds (L7).

With Beat dead a node is given up meanwhile. `make beats` plays all of it in each of the three: until what ran
there runs elsewhere, and with a worker that is killed.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from signal import SIGSTOP

import pytest
import redis

from tests.acceptance import without_beat
from tests.acceptance.beat_rounds import BeatRound
from tests.acceptance.fixtures_faults import beside
from tests.acceptance.split_rounds import PATIENCE, Machines
from tests.client import Client
from tests.platform import Platform

pytestmark = [pytest.mark.proof, pytest.mark.acceptance, pytest.mark.timeout(400)]

WHOLE = "BEAT_ROUNDS" in os.environ
SENT = "Sending due task"

Play = Callable[[bool], None]


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """One whose Beat never starts."""
    var = tmp_path_factory.mktemp("beat") / "v"
    size = {"JOBSITE_CPUS": "8", "JOBSITE_TIME_SCALE": "0.1"}
    running = Platform(var, prefix=without_beat.COMMAND, **size)
    running.patience = PATIENCE
    with running:
        yield running


@pytest.fixture
def play(machines: Machines, client: Client, broker: redis.Redis, tmp_path: Path) -> Play:
    return lambda far: BeatRound(machines, client, broker, tmp_path).play(far=far, whole=WHOLE)


def test_f75_with_beat_dead_from_the_start_every_bound_holds(platform: Platform, play: Play) -> None:
    """F75: the platform has none. Those that other tests put beside it have logs of other names."""
    assert not (platform.var / "logs" / "beat.log").exists()
    play(True)


def test_f75_with_two_beats_every_bound_holds(platform: Platform, play: Play) -> None:
    """F75: each sends what is due."""
    with beside(platform, "beat") as one, beside(platform, "beat") as other:
        one.says(SENT, within=PATIENCE)
        other.says(SENT, within=PATIENCE)
        play(False)


def test_f75_with_a_beat_that_hangs_every_bound_holds(platform: Platform, play: Play) -> None:
    """F75: it is there, and does nothing any more."""
    with beside(platform, "beat") as hanging:
        hanging.says(SENT, within=PATIENCE)
        hanging.send(SIGSTOP)
        play(False)
