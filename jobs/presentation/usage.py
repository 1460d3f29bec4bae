"""What a job uses of what it asked for, as numbers and as two curves over time."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from jobs.models import Job
from jobs.presentation import moments
from jobs.resources import describe_duration, format_memory

WIDTH: Final = 300
HEIGHT: Final = 60
HEADROOM: Final = 1.08
"""So that the line of what was asked, and the highest point, are not at the very edge."""


@dataclass(frozen=True)
class Curve:
    """One measure over time, in the units of its drawing."""

    title: str
    asked: float
    values: Sequence[tuple[float, float]]
    words: str

    @property
    def points(self) -> str:
        """The line, as SVG takes it."""
        return " ".join(f"{self._across(second):.1f},{self._up(value):.1f}" for second, value in self.values)

    @property
    def area(self) -> str:
        """The same, closed along the bottom."""
        first, last = (self._across(self.values[end][0]) for end in (0, -1))
        return f"{first:.1f},{HEIGHT} {self.points} {last:.1f},{HEIGHT}"

    @property
    def asked_at(self) -> str:
        """How high the line of what was asked is."""
        return f"{self._up(self.asked):.1f}"

    def _across(self, second: float) -> float:
        return WIDTH * second / max(self.values[-1][0], 1)

    def _up(self, value: float) -> float:
        highest = HEADROOM * max(self.asked, *(value for _, value in self.values))
        return HEIGHT - HEIGHT * value / highest


@dataclass(frozen=True)
class Share:
    """One line of the table: what was asked, what was used, and how much of it that is."""

    title: str
    asked: str
    used: str
    percent: int


@dataclass(frozen=True)
class ShownUsage:
    """What one attempt used."""

    shares: list[Share]
    curves: list[Curve]
    hint: str

    @classmethod
    def of(cls, job: Job, points: object, now: datetime) -> "ShownUsage":
        """Of this job's present attempt, whose measurements these are."""
        measured = list(_measured(points))
        return cls(list(_shares(job, measured, now)), _curves(job, measured), _hint(job))


def _measured(points: object) -> Iterator[tuple[float, float, float]]:
    """The points that are three amounts, in the order of time; what is odd is left out."""
    before = -1.0
    for point in points if isinstance(points, list) else ():
        if isinstance(point, list) and len(point) == 3 and all(map(_is_amount, point)) and point[0] > before:
            before = point[0]
            yield point[0], point[1], point[2]


def _is_amount(value: object) -> bool:
    return type(value) in (int, float) and math.isfinite(value) and value >= 0  # type: ignore[arg-type,operator]


def _shares(job: Job, points: Sequence[tuple[float, float, float]], now: datetime) -> Iterator[Share]:
    if job.started_at is None:
        return
    ran = ((job.ended_at or now) - job.started_at).total_seconds()
    cpus = job.cpu_seconds / ran if job.cpu_seconds is not None and ran > 0 else _mean(points)
    if cpus is not None:
        yield Share("CPU", _cpus(job.cpus), f"{cpus:.2f} on average", _percent(cpus, job.cpus))
    peak = job.max_rss_mb if job.max_rss_mb is not None else max((mib for _, _, mib in points), default=None)
    if peak is not None:
        used = f"{format_memory(round(peak))} at most"
        yield Share("Memory", format_memory(job.memory_mb), used, _percent(peak, job.memory_mb))
    limit = describe_duration(job.time_limit)
    clock = moments.stopwatch(job.started_at, job.ended_at or now)
    yield Share("Time", limit, clock, _percent(ran, job.time_limit.total_seconds()))


def _curves(job: Job, points: Sequence[tuple[float, float, float]]) -> list[Curve]:
    """None for fewer than two points, which make no line."""
    if len(points) < 2:
        return []
    busy = [(second, cpus) for second, cpus, _ in points]
    full = [(second, mib) for second, _, mib in points]
    most, mean, peak = max(cpus for _, cpus in busy), _mean(points) or 0, max(mib for _, mib in full)
    return [
        Curve("CPU", job.cpus, busy, f"{mean:.2f} on average, {most:.2f} at most, of {_cpus(job.cpus)}"),
        Curve(
            "Memory",
            job.memory_mb,
            full,
            f"{format_memory(round(peak))} at most, of {format_memory(job.memory_mb)}",
        ),
    ]


def _hint(job: Job) -> str:
    """What the next one could ask for, when this one ran well and for long enough to tell."""
    if job.exit_code != 0 or not job.started_at or not job.ended_at or job.max_rss_mb is None:
        return ""
    long = (job.ended_at - job.started_at).total_seconds() >= 60
    if not long or job.memory_mb < 1024 or job.max_rss_mb > job.memory_mb / 4:
        return ""
    percent = _percent(job.max_rss_mb, job.memory_mb)
    return f"It used {percent} % of the memory that it asked for. With less, the next one may start sooner."


def _mean(points: Sequence[tuple[float, float, float]]) -> float | None:
    return sum(cpus for _, cpus, _ in points) / len(points) if points else None


def _cpus(count: int) -> str:
    return "1 CPU" if count == 1 else f"{count} CPUs"


def _percent(part: float, whole: float) -> int:
    return round(100 * part / whole) if whole else 0
