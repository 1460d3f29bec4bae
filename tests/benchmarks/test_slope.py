"""The line through a series: what counts as growth, and what is noise."""

import random

import pytest

from benchmarks.slope import fit

HOURS = [minute / 60 for minute in range(60)]


def test_a_straight_line_has_its_own_slope_and_no_doubt() -> None:
    line = fit(HOURS, [7 + 3 * hour for hour in HOURS])
    assert (line.per_hour, line.first, line.last) == pytest.approx((3, 7, 7 + 3 * HOURS[-1]))
    assert line.error == pytest.approx(0, abs=1e-6)
    assert line.grows(1)
    assert not line.grows(4)


def test_what_never_changes_does_not_grow() -> None:
    assert not fit(HOURS, [5.0] * len(HOURS)).grows(0)


def test_noise_is_no_growth_and_a_leak_below_noise_is_one() -> None:
    chance = random.Random(1)  # noqa: S311 - the same noise each time
    noise = [chance.gauss(0, 1) for _ in HOURS]
    assert not fit(HOURS, noise).grows(1)
    assert fit(HOURS, [rest + 5 * hour for rest, hour in zip(noise, HOURS, strict=True)]).grows(1)


def test_neighbours_that_resemble_each_other_are_worth_less_than_their_number() -> None:
    slow, quick = [0.0] * 15 + [1.0] * 30 + [0.0] * 15, [0.0, 1.0] * 30
    assert fit(HOURS, slow).error > 2 * fit(HOURS, quick).error


def test_two_points_have_no_uncertainty_and_are_refused() -> None:
    with pytest.raises(ValueError, match="there are 2"):
        fit([0, 1], [0, 1])
