"""Writes sweeps into the ledger."""

from collections.abc import Iterable

from django.db import transaction

from jobs.models import Job
from recovery.models import RecoveryAction, RecoveryRun
from recovery.result import Decision, Outcome, RecoveryResult


@transaction.atomic
def keep(result: RecoveryResult, *, trigger: str, node: str) -> RecoveryRun:
    """Store a sweep with its decisions."""
    run = RecoveryRun.objects.create(
        started_at=result.started_at,
        duration=result.duration,
        trigger=trigger,
        node=node,
        dry_run=result.dry_run,
        recovered=result.count(Outcome.RECOVERED) + result.count(Outcome.RECOVERABLE),
        skipped=result.count(Outcome.SKIPPED),
        failed=result.count(Outcome.FAILED) + len(result.broken),
    )
    RecoveryAction.objects.bulk_create(_rows(run, result.decisions))
    return run


def _rows(run: RecoveryRun, decisions: Iterable[Decision]) -> list[RecoveryAction]:
    return [
        RecoveryAction(
            run=run,
            strategy=decision.strategy,
            job=Job(pk=decision.job),
            attempt=decision.attempt,
            found=decision.found,
            outcome=decision.outcome,
            detail=decision.detail,
        )
        for decision in decisions
    ]
