"""Runs strategies in order. One that breaks never stops the next."""

import logging
import time
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from recovery.result import RecoveryResult
from recovery.strategies.base import RecoveryStrategy, leave_lost_session

logger = logging.getLogger(__name__)


class CompositeRecoveryStrategy:
    """The chain."""

    def __init__(self, strategies: Iterable[RecoveryStrategy[Any]]) -> None:
        self.strategies: Sequence[RecoveryStrategy[Any]] = tuple(strategies)

    def run(self, now: datetime, *, dry_run: bool = False) -> RecoveryResult:
        """One sweep of each strategy, in order."""
        began = time.monotonic()
        result = RecoveryResult(started_at=now, dry_run=dry_run)
        for strategy in self.strategies:
            try:
                decisions = strategy.sweep(now, dry_run=dry_run)
                result.decisions += decisions
                result.leaves_more |= strategy.mended_a_batch(decisions)
            except Exception as error:  # whatever broke it, the strategies after it must run
                logger.exception("%s broke; the next strategy runs", strategy.name)
                leave_lost_session()
                result.broken[strategy.name] = repr(error)
        result.duration = timedelta(seconds=time.monotonic() - began)
        return result
