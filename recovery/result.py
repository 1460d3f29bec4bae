"""What a sweep answers: the jobs recovered, skipped and failed by each strategy, and how long it took."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any


class Outcome(StrEnum):
    """What became of one find."""

    RECOVERED = "recovered"
    SKIPPED = "skipped"
    FAILED = "failed"
    RECOVERABLE = "recoverable"
    """Found in a dry run, and left as it was."""


ORDER = (Outcome.RECOVERED, Outcome.RECOVERABLE, Outcome.SKIPPED, Outcome.FAILED)


@dataclass(frozen=True)
class Seen:
    """What a strategy has seen of one find before it did anything, and what it is about to do."""

    evidence: dict[str, Any] = field(default_factory=dict)
    action: str = ""


@dataclass(frozen=True, kw_only=True)
class Decision:
    """One strategy's decision about one job."""

    strategy: str
    job: int
    attempt: int
    found: str
    seen: Seen = Seen()
    outcome: Outcome
    detail: str = ""


@dataclass(kw_only=True)
class RecoveryResult:
    """The answer of a sweep. A strategy that broke is named in `broken`; the others ran all the same."""

    decisions: list[Decision] = field(default_factory=list)
    broken: dict[str, str] = field(default_factory=dict)
    started_at: datetime
    duration: timedelta = timedelta()
    dry_run: bool = False
    leaves_more: bool = False
    """A strategy mended as many as it treats in one sweep: there may be more of the kind."""

    def jobs(self, outcome: Outcome) -> dict[str, list[int]]:
        """The jobs of one outcome, by strategy."""
        by_strategy: dict[str, list[int]] = {}
        for decision in self.decisions:
            if decision.outcome is outcome:
                by_strategy.setdefault(decision.strategy, []).append(decision.job)
        return by_strategy

    @property
    def recovered(self) -> dict[str, list[int]]:
        """Mended. In a dry run, none."""
        return self.jobs(Outcome.RECOVERED)

    @property
    def recoverable(self) -> dict[str, list[int]]:
        """What a dry run found, and would have mended."""
        return self.jobs(Outcome.RECOVERABLE)

    @property
    def skipped(self) -> dict[str, list[int]]:
        """Looked at and left alone."""
        return self.jobs(Outcome.SKIPPED)

    @property
    def failed(self) -> dict[str, list[int]]:
        """An error kept it from being mended; the next sweep tries again."""
        return self.jobs(Outcome.FAILED)

    def followed_by(self, next_one: "RecoveryResult") -> "RecoveryResult":
        """The answer of this sweep and of one that came at once after it."""
        return replace(
            next_one,
            decisions=self.decisions + next_one.decisions,
            broken=self.broken | next_one.broken,
            started_at=self.started_at,
            duration=self.duration + next_one.duration,
        )

    def count(self, outcome: Outcome) -> int:
        """How many finds had this outcome."""
        return sum(decision.outcome is outcome for decision in self.decisions)

    def __str__(self) -> str:
        unseen = Outcome.RECOVERED if self.dry_run else Outcome.RECOVERABLE
        counts = ", ".join(f"{self.count(outcome)} {outcome}" for outcome in ORDER if outcome is not unseen)
        return f"{counts} in {self.duration.total_seconds():.2f} s"
