"""Amounts and times as people write them: Slurm's forms, and the everyday ones beside them.

Memory: a bare number is MiB (sbatch(1), --mem). Time: minutes, minutes:seconds, hours:minutes:seconds,
days-hours, days-hours:minutes, days-hours:minutes:seconds (sbatch(1), --time), and 90m, 2h, 1d, 1h30m. A
limit of 0, which Slurm takes for "none", is refused: every job ends.
"""

import math
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

MOST_CPUS: Final = 1_000_000
MOST_MEMORY_MB: Final = 1024 * 1024 * 1024
MOST_GPUS: Final = 10_000
LONGEST_TIME: Final = timedelta(days=365)
SHORTEST_TIME: Final = timedelta(seconds=1)

MEMORY_FORMS: Final = "a number of MiB such as 512, or one with a unit such as 512M, 2G, 1.5GiB"
TIME_FORMS: Final = "minutes such as 90, or 1:30:00, 1-12:00:00, 90m, 2h, 1d"

_MEMORY = re.compile(r"(\d{1,12}(?:\.\d{1,6})?)\s*(?:([KMGT])(?:i?B)?)?", re.IGNORECASE | re.ASCII)
_MIB = {"K": 1 / 1024, "M": 1.0, "G": 1024.0, "T": 1024.0 * 1024.0}
_UNITS = re.compile(
    r"(?:(\d{1,6})d)?(?:(\d{1,7})h)?(?:(\d{1,9})m)?(?:(\d{1,10})s)?", re.IGNORECASE | re.ASCII
)
_DAYS = re.compile(r"(\d{1,6})-(\d{1,6})(?::(\d{1,6}))?(?::(\d{1,6}))?", re.ASCII)
_CLOCK = re.compile(r"(\d{1,9})(?::(\d{1,6}))?(?::(\d{1,6}))?", re.ASCII)
_MINUTES = re.compile(r"\d{1,9}(?:\.\d{1,6})?", re.ASCII)


@dataclass(frozen=True)
class Capacity:
    """CPUs, memory in MiB and GPUs, of a job or of a node."""

    cpus: int
    memory_mb: int
    gpus: int = 0

    def fits_in(self, other: "Capacity") -> bool:
        """Nothing of it is more than the other has."""
        return self.cpus <= other.cpus and self.memory_mb <= other.memory_mb and self.gpus <= other.gpus

    def __str__(self) -> str:
        parts = [count(self.cpus, "CPU"), format_memory(self.memory_mb)]
        return ", ".join([*parts, count(self.gpus, "GPU")] if self.gpus else parts)


def count(number: int, noun: str) -> str:
    """A number with its noun, in the plural where that is right."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def parse_memory(text: str | float) -> int:
    """MiB, rounded up. Raises ValueError that says what was asked and what is allowed."""
    asked = str(text).strip()
    match = _MEMORY.fullmatch(asked)
    mib = math.ceil(float(match[1]) * _MIB[(match[2] or "M").upper()]) if match else 0
    if isinstance(text, bool) or not 1 <= mib <= MOST_MEMORY_MB:
        raise ValueError(f"Memory {asked[:40]!r} is not understood. Give {MEMORY_FORMS}, more than 0.")
    return mib


def format_memory(mib: int) -> str:
    """The shortest exact form, or one decimal: 512 MiB, 2 GiB, 1.5 GiB."""
    for size, unit in ((1024 * 1024, "TiB"), (1024, "GiB")):
        if mib >= size:
            return f"{mib / size:.1f}".removesuffix(".0") + f" {unit}"
    return f"{mib} MiB"


def parse_time_limit(text: str | float) -> timedelta:
    """A time limit. Raises ValueError that says what was asked and what is allowed."""
    asked = str(text).strip()
    seconds = None if isinstance(text, bool) else _seconds(asked)
    if seconds is None or not SHORTEST_TIME <= timedelta(seconds=seconds) <= LONGEST_TIME:
        raise ValueError(
            f"Time limit {asked[:40]!r} is not possible. Give {TIME_FORMS}, from 1 second to 365 days."
        )
    return timedelta(seconds=seconds)


def _seconds(asked: str) -> int | None:
    if _MINUTES.fullmatch(asked):
        return math.ceil(float(asked) * 60)
    if match := _DAYS.fullmatch(asked):
        days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
        return _bounded(((days * 24 + hours) * 60 + minutes) * 60 + seconds)
    if (match := _UNITS.fullmatch(asked)) and any(match.groups()):
        days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
        return _bounded(((days * 24 + hours) * 60 + minutes) * 60 + seconds)
    if match := _CLOCK.fullmatch(asked):
        parts = [int(part) for part in match.groups() if part is not None]
        hours, minutes, seconds = ([0] * (3 - len(parts)) + parts)[:3]
        return _bounded((hours * 60 + minutes) * 60 + seconds)
    return None


def _bounded(seconds: int) -> int:
    """Longer than any limit is as good as any other number that is too long."""
    return min(seconds, 2 * int(LONGEST_TIME.total_seconds()))


def format_duration(span: timedelta) -> str:
    """Slurm's [D-]HH:MM:SS (squeue(1))."""
    seconds = max(0, int(span.total_seconds()))
    days, rest = divmod(seconds, 86400)
    clock = f"{rest // 3600:02}:{rest // 60 % 60:02}:{rest % 60:02}"
    return f"{days}-{clock}" if days else clock


def describe_duration(span: timedelta) -> str:
    """The two largest units: 1 d 12 h, 2 h 5 min, 3 min 4 s, 7 s."""
    seconds = max(0, round(span.total_seconds()))
    units = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))
    parts = []
    for size, unit in units:
        amount, seconds = divmod(seconds, size)
        if amount:
            parts.append(f"{amount} {unit}")
    return " ".join(parts[:2]) or "0 s"
