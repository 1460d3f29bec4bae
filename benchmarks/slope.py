"""A straight line through a series, how certain its slope is, and whether the series grows.

The uncertainty counts that neighbours in time resemble each other: a memory that rose once and stayed there
is a few independent measurements, not hundreds.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

CERTAIN = 2.0
"""So many standard errors a slope must lie beyond what is tolerated before it is called growth."""


@dataclass(frozen=True)
class Slope:
    """The least-squares line: its slope, the standard error of the slope, and where it begins and ends."""

    per_hour: float
    error: float
    first: float
    last: float

    def grows(self, tolerance: float) -> bool:
        """It rises by more than `tolerance` an hour, and by more than chance explains."""
        return self.per_hour - CERTAIN * self.error > tolerance


def fit(hours: Sequence[float], values: Sequence[float]) -> Slope:
    """Of at least three points. Raises ValueError for fewer."""
    count = len(hours)
    if count < 3:
        raise ValueError(f"A slope and its uncertainty need 3 points; there are {count}. Measure for longer.")
    middle, mean = sum(hours) / count, sum(values) / count
    spread = sum((hour - middle) ** 2 for hour in hours)
    slope = sum((h - middle) * (v - mean) for h, v in zip(hours, values, strict=True)) / spread
    left = [v - mean - slope * (h - middle) for h, v in zip(hours, values, strict=True)]
    ends = [mean + slope * (hours[end] - middle) for end in (0, -1)]
    variance = sum(rest * rest for rest in left) / (count - 2)
    error = math.sqrt(variance / spread * _likeness(left))
    return Slope(slope, error, *ends)


def _likeness(left: Sequence[float]) -> float:
    """How many neighbours in time are worth one independent measurement; at least 1."""
    whole = sum(rest * rest for rest in left)
    if whole == 0.0:
        return 1.0
    alike = sum(one * next_one for one, next_one in pairwise(left)) / whole
    alike = min(max(alike, 0.0), 0.99)
    return (1 + alike) / (1 - alike)
