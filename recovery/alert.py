"""Recovery copes, but who breaks so much? Above a threshold somebody is told, once, until it is over."""

import logging
from datetime import datetime
from typing import Final

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Sum
from django.db.models.functions import Greatest

from jobs.models.clock import ClockTimestamp
from jobs.resources import describe_duration
from recovery.models import RecoveryAlert, RecoveryRun

logger = logging.getLogger("recovery")

SENTENCE: Final = (
    "{jobs} recovered within {window}, more than {threshold}: something breaks much here. "
    "The ledger of recovery says what was found."
)


def look(now: datetime) -> None:
    """Raise the alert, keep its figure, or end it, by what sweeps have recovered until now."""
    recovered = _recovered_until(now)
    raised = RecoveryAlert.objects.filter(over_at=None)
    if recovered <= settings.RECOVERY_ALERT_JOBS:
        if raised.update(over_at=ClockTimestamp()):
            logger.warning("the alert is over: %s were recovered lately", recovered)
    elif not raised.update(recovered=Greatest("recovered", recovered)) and _raise(recovered):
        logger.error("%s", sentence(recovered))


def unseen() -> str:
    """What an operator should know now. Empty: nothing, or somebody has seen it."""
    alert = RecoveryAlert.objects.filter(over_at=None, seen_at=None).first()
    return sentence(alert.recovered) if alert is not None else ""


def see(*, by: str) -> bool:
    """Somebody knows. False: there is none that nobody knows of."""
    unknown = RecoveryAlert.objects.filter(over_at=None, seen_at=None)
    return unknown.update(seen_at=ClockTimestamp(), seen_by=by) > 0


def sentence(recovered: int) -> str:
    """For a person."""
    return SENTENCE.format(
        jobs="1 job was" if recovered == 1 else f"{recovered} jobs were",
        window=describe_duration(settings.RECOVERY_ALERT_WINDOW),
        threshold=settings.RECOVERY_ALERT_JOBS,
    )


def _recovered_until(now: datetime) -> int:
    lately = RecoveryRun.objects.filter(
        started_at__gt=now - settings.RECOVERY_ALERT_WINDOW, started_at__lte=now, dry_run=False
    )
    recovered: int | None = lately.order_by().aggregate(all=Sum("recovered"))["all"]
    return recovered or 0


def _raise(recovered: int) -> bool:
    """False: another sweep has raised it just now."""
    try:
        with transaction.atomic():
            RecoveryAlert.objects.create(recovered=recovered)
    except IntegrityError:
        return False
    return True
