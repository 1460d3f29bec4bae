"""A strategy says in one sentence what is wrong; `find` may guess, `mend` goes through lifecycle's guards."""

import logging
from abc import ABC, abstractmethod
from collections.abc import Iterable
from datetime import datetime
from typing import Generic, TypeVar

from django.db import connection

from jobs.faults import faultpoint
from recovery.result import Decision, Outcome, Seen

logger = logging.getLogger(__name__)

Sick = TypeVar("Sick")

MOVED_ON = "it has moved on"
BATCH = 500
"""How many finds one sweep treats; the oldest come first, and the next sweep goes on. Those that are well do
not count, or they would keep the others from being reached."""


def leave_lost_session() -> None:
    """Have the next query open a session anew where this one is lost: it would break each query after it."""
    if not connection.in_atomic_block:  # a transaction ends with its session
        connection.close_if_unusable_or_obsolete()


class RecoveryStrategy(ABC, Generic[Sick]):
    """Finds one kind of trouble and mends it.

    A find that is out of date is mended by nobody, and does no harm.
    """

    @property
    def name(self) -> str:
        """Its class name, as the ledger shows it."""
        return type(self).__name__

    @abstractmethod
    def find(self, now: datetime) -> Iterable[Sick]:
        """What looks sick at `now`, oldest first."""

    @abstractmethod
    def mend(self, sick: Sick) -> bool:
        """Mend one, through lifecycle. False: it was well, or somebody else has mended it."""

    @abstractmethod
    def pair(self, sick: Sick) -> tuple[int, int]:
        """The job and the attempt that it is about."""

    @abstractmethod
    def look(self, sick: Sick) -> Seen:
        """What there is to be seen of it now, and what `mend` is to do about that. For the ledger."""

    def begin(self) -> None:
        """Do what needs no find. Not in a dry run."""

    def well(self, sick: Sick) -> str:
        """Why this find is to be left alone after a closer look, or an empty string."""
        del sick
        return ""

    def excuse(self, sick: Sick) -> str:
        """Why mending it changed nothing."""
        del sick
        return MOVED_ON

    def complaint(self, sick: Sick) -> str:
        """What is wrong, in one sentence."""
        del sick
        return (type(self).__doc__ or "").strip().splitlines()[0]

    def sweep(self, now: datetime, *, dry_run: bool) -> list[Decision]:
        """Find and mend one batch, and answer the decisions. A dry run decides and changes nothing."""
        if not dry_run:
            self.begin()
        decisions: list[Decision] = []
        treated = 0
        for sick in self.find(now):
            decisions.append(self._decide(sick, dry_run=dry_run))
            treated += decisions[-1].outcome is not Outcome.SKIPPED
            if treated == BATCH:
                break
        return decisions

    def mended_a_batch(self, decisions: Iterable[Decision]) -> bool:
        """All that one sweep treats was mended, so another one may find more. Errors would come again."""
        return sum(decision.outcome is Outcome.RECOVERED for decision in decisions) >= BATCH

    def _decide(self, sick: Sick, *, dry_run: bool) -> Decision:
        job, attempt = self.pair(sick)
        found, seen = self.complaint(sick), Seen()
        try:
            seen = self.look(sick)
            outcome, detail = self._treat(sick, dry_run=dry_run)
        except Exception as error:  # one that cannot be mended keeps none of the others from it
            logger.exception("%s could not mend %s", self.name, self.pair(sick))
            leave_lost_session()
            outcome, detail = Outcome.FAILED, str(error)
        return Decision(
            strategy=self.name,
            job=job,
            attempt=attempt,
            found=found,
            seen=seen,
            outcome=outcome,
            detail=detail,
        )

    def _treat(self, sick: Sick, *, dry_run: bool) -> tuple[Outcome, str]:
        reason = self.well(sick)
        if reason:
            return Outcome.SKIPPED, reason
        if dry_run:
            return Outcome.RECOVERABLE, "dry run: nothing was changed"
        faultpoint("recover.after_scan")
        if not self.mend(sick):
            return Outcome.SKIPPED, self.excuse(sick)
        faultpoint("recover.after_commit")
        return Outcome.RECOVERED, ""
