"""Every process fails at every place at which it can: each time everything comes to a clean and true end.

`make sweep` plays all cases. Without SWEEP=all a fixed tenth of them is played, none of which waits for a
lease to run out.
"""

import os
import sys
from math import gcd
from pathlib import Path

import pytest

from tests.sweep.cases import PLACES, Case, cases
from tests.sweep.points import points
from tests.sweep.sweep import sweep

WHOLE = os.environ.get("SWEEP") == "all"
ONLY = set(os.environ.get("SWEEP_ONLY", "").split())
"""Points, actions, or both as `point:action`."""
SIZE = int(os.environ.get("SWEEP_GROUP") or 8)
EVERY = 10
STEP = 37
"""A child that is killed again at once is started again later and later: so the same action comes rarely."""


def _chosen() -> list[Case]:
    """In a fixed order that is not the table's."""
    every = list(cases())
    assert gcd(len(every), STEP) == 1
    spread = [every[number * STEP % len(every)] for number in range(len(every))]
    if ONLY:
        return [case for case in spread if {case.point, case.action, str(case)} & ONLY]
    quick = [case for case in spread if case.action not in ("delay", "stop")]
    return spread if WHOLE else quick[:: len(quick) * EVERY // len(every)]


def test_of_every_fault_point_it_is_known_how_it_is_reached() -> None:
    assert sorted(PLACES) == points()


@pytest.mark.proof
@pytest.mark.acceptance
@pytest.mark.timeout(3 * 60 * 60 if WHOLE or ONLY else 600)
def test_wherever_a_process_fails_everything_comes_to_a_clean_and_true_end(tmp_path: Path) -> None:
    report = sweep(_chosen(), tmp_path, size=SIZE)
    sys.stdout.write("\n".join(["", *report.lines(), ""]))
    assert report.failed == {}
    if WHOLE and not ONLY:
        assert set(points()) <= report.reached, f"never reached: {set(points()) - report.reached}"
