"""A node is cut off or suspended for longer than its lease, others act, it comes back: nothing runs twice.

`make splitbrain` plays the same rounds fifty times.
"""

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.split_rounds import Machines, Round
from tests.client import Client
from tests.platform import Platform

ROUNDS = int(os.environ.get("SPLIT_ROUNDS") or 1)
pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(180 + 120 * ROUNDS)]


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    var = tmp_path_factory.mktemp("split") / "var"
    with Platform(var, JOBSITE_CPUS="4", JOBSITE_TIME_SCALE="0.1") as running:
        yield running


@pytest.fixture
def rounds(machines: Machines, client: Client, tmp_path: Path) -> Iterator[Round]:
    """As many as asked for; each is judged when the next one begins."""
    return _rounds(machines, client, tmp_path)


def _rounds(machines: Machines, client: Client, tmp_path: Path) -> Iterator[Round]:
    begun = time.monotonic()
    for number in range(ROUNDS):
        going = Round(machines, client, tmp_path / f"round-{number}")
        yield going
        going.judge()
    took = time.monotonic() - begun
    sys.stdout.write(f"\n{ROUNDS} rounds in {took:.0f} s: run twice 0, overlapping 0, left 0\n")


def test_f65_of_a_node_that_is_cut_off_the_first_run_is_over_before_the_second_starts(
    rounds: Iterator[Round],
) -> None:
    """F65, F66: a run that others may repeat has ended itself; a result that comes too late is told."""
    for going in rounds:
        again, late = going.begin(requeue=True, max_attempts=3), going.begin()
        with going.machines.cut_off("n2"):
            going.let_end_alone(late)
            going.machines.want(n2="DOWN", n3="UP")
            going.until(late, "DONE", attempt=1, reason="NodeFail")
            going.until(again, "ACTIVE", attempt=2)
            assert going.is_over(again, 1)
        going.until_back()
        going.finish()
        going.until(again, "DONE", attempt=2)
        assert going.each_run_started_once()
        assert going.runs_did_not_overlap(again)
        assert going.late_results(late) == [(0,)]


def test_f64_of_a_node_that_was_suspended_while_others_acted_no_job_starts_twice(
    rounds: Iterator[Round],
) -> None:
    """F64, F37: whoever of it wakes up first, it takes no job until all are over."""
    for going in rounds:
        once, again = going.begin(), going.begin(requeue=True, max_attempts=3)
        with going.machines.suspended("n2", agent_first=going.agent_first):
            going.machines.want(n2="DOWN", n3="UP")
            going.until(once, "DONE", attempt=1, reason="NodeFail")
            going.until(again, "ACTIVE", attempt=2)
        going.until_back()
        assert going.is_over(once, 1)
        assert going.is_over(again, 1)
        going.finish()
        going.until(again, "DONE", attempt=2)
        assert going.each_run_started_once()
