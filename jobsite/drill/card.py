"""The scorecard: what was killed, how soon all was well again, what must be zero; in words and as JSON."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

SHOWN: Final = 5
"""Of each count that is not zero, so many are named."""


@dataclass(frozen=True, kw_only=True)
class Kill:
    """What became of one kill."""

    name: str
    title: str
    jobs: int
    seen_by: str
    """By what it is seen to be back. Empty: it is not meant to come back."""
    back: float | None
    """Seconds until it was in service again. None: it was not, or is not meant to be."""
    ends: float | None
    """Seconds until each job that ended or began meanwhile had its end recorded. None: not in time."""
    rest: bool
    """The other jobs came to their ends, too."""

    @property
    def recovered(self) -> bool:
        """It came back, and every job to its end."""
        return self.ends is not None and self.rest and (self.back is not None or not self.seen_by)


@dataclass(frozen=True, kw_only=True)
class Count:
    """Something that must not be, and each time that it was found."""

    name: str
    means: str
    found: tuple[str, ...] = ()
    may_pass: bool = False
    """A look at a bad moment finds some, and the next look none."""

    @property
    def number(self) -> int:
        """Zero is good."""
        return len(self.found)


@dataclass
class Card:
    """The result of one drill, as it grows."""

    patience: float
    """Seconds that each recovery may take."""
    times: str = ""
    """Which times of the protocol were used."""
    kills: list[Kill] = field(default_factory=list)
    counts: list[Count] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    """What kept the drill from going on."""
    jobs: int = 0
    seconds: float = 0.0
    kept: Path | None = None
    """Where the sandbox's directory is. None: it was removed."""

    @property
    def is_good(self) -> bool:
        """Everything was killed, everything recovered, everything was counted and is zero."""
        recovered = bool(self.kills) and all(kill.recovered for kill in self.kills)
        clean = bool(self.counts) and not any(count.number for count in self.counts)
        return recovered and clean and not self.faults

    @property
    def failures(self) -> list[str]:
        """What went wrong, a sentence each."""
        told = [words for kill in self.kills for words in self._of(kill)]
        return [*self.faults, *told, *(words for count in self.counts for words in _named(count))]

    def json(self) -> str:
        """The same for a program."""
        told: dict[str, Any] = {
            "ok": self.is_good,
            "times": self.times,
            "jobs": self.jobs,
            "seconds": round(self.seconds, 1),
            "kills": [_as_object(kill) for kill in self.kills],
            "zeros": {count.name.replace(" ", "_"): count.number for count in self.counts},
            "failures": self.failures,
            "kept": str(self.kept) if self.kept else None,
        }
        return json.dumps(told, indent=2, ensure_ascii=False)

    def _of(self, kill: Kill) -> list[str]:
        found = []
        if kill.seen_by and kill.back is None:
            found.append(f"{kill.title}: not back within {self.patience:.0f} s ({kill.seen_by})")
        if kill.ends is None or not kill.rest:
            found.append(
                f"{kill.title}: some of its {kill.jobs} jobs came to no end in {self.patience:.0f} s"
            )
        return found


def _named(count: Count) -> list[str]:
    more = count.number - SHOWN
    rest = [f"{count.name}: and {more} more"] if more > 0 else []
    return [f"{count.name}: {words}" for words in count.found[:SHOWN]] + rest


def _as_object(kill: Kill) -> dict[str, Any]:
    return {
        "killed": kill.name,
        "jobs": kill.jobs,
        "back_seconds": _rounded(kill.back),
        "ends_seconds": _rounded(kill.ends),
        "recovered": kill.recovered,
    }


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 2)
