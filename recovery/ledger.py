"""Writes sweeps into the ledger, and keeps it from growing for ever."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import transaction

from jobs.models import Counter as Tallied
from jobs.models import Job, Tally
from recovery.models import RecoveryAction, RecoveryRun
from recovery.result import Decision, Outcome, RecoveryResult

TOLD_AGAIN_AFTER: Final = timedelta(hours=1)
COUNTED: Final = (Outcome.RECOVERED, Outcome.FAILED)
AT_ONCE: Final = 200
"""So many old sweeps go with each new one, so the ledger shrinks also when many were written at once."""


@transaction.atomic
def keep(result: RecoveryResult, *, trigger: str, node: str) -> RecoveryRun:
    """Store a sweep with its decisions, and let go of the oldest that are out of date."""
    prune(result.started_at)
    run = RecoveryRun.objects.create(
        started_at=result.started_at,
        duration=result.duration,
        trigger=trigger,
        node=node,
        dry_run=result.dry_run,
        recovered=result.count(Outcome.RECOVERED) + result.count(Outcome.RECOVERABLE),
        skipped=result.count(Outcome.SKIPPED),
        failed=_failed(result),
    )
    RecoveryAction.objects.bulk_create(_rows(run, result.decisions))
    return run


def count(result: RecoveryResult) -> None:
    """Add what a sweep did and what it failed at to the counts that never fall. A dry run does nothing."""
    if result.dry_run:
        return
    decided = Counter((decision.strategy, decision.outcome) for decision in result.decisions)
    decided.update((strategy, Outcome.FAILED) for strategy in result.broken)
    for (strategy, outcome), number in decided.items():
        if outcome in COUNTED:
            Tally.objects.count_one(Tallied.SWEPT, strategy, outcome, number)
    Tally.objects.add_up()


def repeats(result: RecoveryResult, *, node: str) -> bool:
    """It failed at nothing but what the node's last sweep in the ledger failed at, less than an hour ago."""
    last = RecoveryRun.objects.filter(
        node=node, dry_run=False, started_at__gt=result.started_at - TOLD_AGAIN_AFTER
    ).first()
    if last is None or last.failed != _failed(result):
        return False
    told = last.actions.filter(outcome=Outcome.FAILED).values_list("strategy", "job_id", "attempt")
    return set(told) == {
        (decision.strategy, decision.job, decision.attempt)
        for decision in result.decisions
        if decision.outcome is Outcome.FAILED
    }


def _failed(result: RecoveryResult) -> int:
    return result.count(Outcome.FAILED) + len(result.broken)


@transaction.atomic
def prune(moment: datetime) -> None:
    """Let go of the oldest sweeps, as far as they are out of date.

    Others may do the same now: what they have in hand is left to them.
    """
    retention: timedelta | None = settings.LEDGER_RETENTION
    if retention is None:
        return
    oldest = RecoveryRun.objects.select_for_update(skip_locked=True).order_by("pk")[:AT_ONCE]
    stale = [run.pk for run in oldest if run.started_at + retention < moment]
    RecoveryRun.objects.filter(pk__in=stale).delete()


def _rows(run: RecoveryRun, decisions: Iterable[Decision]) -> list[RecoveryAction]:
    return [
        RecoveryAction(
            run=run,
            strategy=decision.strategy,
            job=Job(pk=decision.job),
            attempt=decision.attempt,
            found=decision.found,
            evidence=decision.seen.evidence,
            action=decision.seen.action,
            dry_run=run.dry_run,
            outcome=decision.outcome,
            detail=decision.detail,
        )
        for decision in decisions
    ]
