"""The fault points are where a platform of this kind can be torn in two."""

import re

from tests.sweep.points import CRITICAL, NOT_HERE, points


def test_every_critical_place_is_a_fault_point_or_says_why_not() -> None:
    assert CRITICAL - set(points()) == set(NOT_HERE)


def test_a_fault_point_is_named_after_a_step_and_a_moment_of_it() -> None:
    assert [
        name for name in points() if not re.fullmatch(r"[a-z]+\.(before|after|[a-z]+_fired)\w*", name)
    ] == []
