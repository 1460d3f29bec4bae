"""What the jobs have told: read from their own file, line by line, and nothing else believed."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

Pair = tuple[int, int]


@dataclass
class Statement:
    """Each start and each end of each attempt."""

    starts: Counter[Pair] = field(default_factory=Counter)
    ends: dict[Pair, list[int]] = field(default_factory=dict)
    odd: list[str] = field(default_factory=list)
    """Lines that are none: the oracle itself would be broken."""
    ended_at: dict[Pair, float] = field(default_factory=dict)
    """Seconds since 1970."""

    @property
    def started(self) -> set[int]:
        """The jobs that have started at all."""
        return {job for job, _ in self.starts}

    @classmethod
    def read(cls, file: Path) -> "Statement":
        """All that was told until now."""
        return cls.of(file.read_text(errors="replace").splitlines())

    @classmethod
    def of(cls, lines: list[str]) -> "Statement":
        """What these lines say."""
        told = cls()
        for line in lines:
            match line.split():
                case ["start", job, attempt, _, _, "-"]:
                    told.starts[int(job), int(attempt)] += 1
                case ["end", job, attempt, _, nanoseconds, code]:
                    pair = int(job), int(attempt)
                    told.ends.setdefault(pair, []).append(int(code))
                    told.ended_at[pair] = int(nanoseconds) / 1e9
                case _:
                    told.odd.append(line)
        return told
