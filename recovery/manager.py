"""Runs the chain: at a worker's start, by Celery Beat, and by each agent's own timer.

The same sweep may run in several places at once; every mend is guarded, so only one of them does it.
"""

import logging
from datetime import datetime
from typing import Any

from jobs.execution.station import Station
from jobs.models.clock import database_now
from recovery import alert, ledger
from recovery.result import RecoveryResult
from recovery.strategies import (
    CompositeRecoveryStrategy,
    OrphanJobRecoveryStrategy,
    PendingJobRecoveryStrategy,
    RecoveryStrategy,
    StaleAllocationCleanupStrategy,
    TimeoutJobRecoveryStrategy,
)

logger = logging.getLogger("recovery")

STARTUP = "startup"
TIMER = "timer"
MOST_SWEEPS = 10
"""At a start, one after the other, while each finds as much to mend as one sweep treats."""


class RecoveryManager:
    """Recovers jobs.

    With a `station` it also settles that node's running jobs; without, the part of no node.
    """

    def __init__(self, station: Station | None = None) -> None:
        self.station = station

    def strategies(self) -> list[RecoveryStrategy[Any]]:
        """The chain, in order: pending, orphan, timeout, stale allocation."""
        of_this_node: list[RecoveryStrategy[Any]] = []
        if self.station is not None:
            of_this_node = [TimeoutJobRecoveryStrategy(self.station)]
        return [
            PendingJobRecoveryStrategy(),
            OrphanJobRecoveryStrategy(self.station),
            *of_this_node,
            StaleAllocationCleanupStrategy(),
        ]

    def recover_on_startup(self, now: datetime | None = None) -> RecoveryResult:
        """The sweep of a worker that has just started; always in the ledger.

        What a long outage has left is more than one sweep treats, and is not left to the timer's next ones:
        as many follow at once. The answer is that of all of them.
        """
        result = self._sweep(now, trigger=STARTUP, always_kept=True, dry_run=False)
        for _ in range(1, MOST_SWEEPS):
            if not result.leaves_more:
                break
            next_one = self._sweep(now, trigger=STARTUP, always_kept=False, dry_run=False)
            result = result.followed_by(next_one)
        return result

    def recover(
        self, now: datetime | None = None, *, trigger: str = TIMER, dry_run: bool = False
    ) -> RecoveryResult:
        """One sweep.

        In the ledger when it did something, failed at something new, or was asked for. `dry_run` changes
        nothing.
        """
        return self._sweep(now, trigger=trigger, always_kept=trigger != TIMER or dry_run, dry_run=dry_run)

    def _sweep(
        self, now: datetime | None, *, trigger: str, always_kept: bool, dry_run: bool
    ) -> RecoveryResult:
        result = CompositeRecoveryStrategy(self.strategies()).run(now or database_now(), dry_run=dry_run)
        ledger.count(result)
        node = self.station.node_name if self.station else ""
        failed_anew = (result.failed or result.broken) and not ledger.repeats(result, node=node)
        if always_kept or result.recovered or failed_anew:
            ledger.keep(result, trigger=trigger, node=node)
            logger.info("%s sweep%s: %s", trigger, f" of {node}" if node else "", result)
        if not dry_run:
            alert.look(result.started_at)
        return result
