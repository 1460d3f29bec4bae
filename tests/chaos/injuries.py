"""What was really done in a round: each fault with its moment, whom it met, and when that was over."""

from dataclasses import asdict, dataclass, field
from typing import Any

from tests.chaos.schedule import Harm
from tests.chaos.witness import Pair


@dataclass
class Injury:
    """One fault that was done. Times are seconds since 1970, by the clock of database and logs."""

    number: int
    harm: Harm
    begun: float
    ended: float | None = None
    """None: it lasts."""
    met: str = ""
    """Whom, for a person."""
    nodes: frozenset[str] = frozenset()
    """Those that must be well again afterwards."""
    pairs: frozenset[Pair] = frozenset()
    jobs: frozenset[int] = frozenset()
    """Those that must have ended afterwards."""
    recovered: float | None = None
    tags: list[str] = field(default_factory=list)

    def over_at(self, now: float) -> float:
        """When it was over; if it lasts, now."""
        return self.ended if self.ended is not None else now

    def touches(self, begin: float, end: float) -> bool:
        """It lasted at some moment of this span."""
        return self.begun <= end and begin <= self.over_at(end)

    def is_felt(self, begin: float, end: float, after: float) -> bool:
        """At some moment of this span whom it met was not well again, or had been for less than `after`."""
        well_at = max(self.over_at(end), self.recovered or 0.0)
        return self.begun <= end and begin <= well_at + after

    def told(self) -> dict[str, Any]:
        """For the file of the round."""
        return {
            **asdict(self),
            "nodes": sorted(self.nodes),
            "pairs": sorted(self.pairs),
            "jobs": sorted(self.jobs),
        }
