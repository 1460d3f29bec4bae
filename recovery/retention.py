"""Lets go of what is over: at each beat a batch of each kind, so that none of them takes long or much.

What may be let go of, and when, is said where it is written: a job in jobs.lifecycle.forget, what it left on
its node in jobs.execution.archive. All of it goes by the database's clock.
"""

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Final

from django.conf import settings
from django.contrib.sessions.models import Session

from jobs import lifecycle
from jobs.models import NodeEvent
from recovery import ledger
from recovery.models import RecoveryAlert
from recovery.strategies.base import leave_lost_session

logger = logging.getLogger("recovery")

AT_ONCE: Final = 500


def keep_house(now: datetime) -> None:
    """One batch of each kind. One that cannot be let go of keeps none of the others."""
    for let_go in KINDS:
        try:
            let_go(now)
        except Exception:  # whatever it is, the next beat tries again, and the others are let go of
            logger.exception("%s: nothing was let go of", let_go.__name__)
            leave_lost_session()


def jobs(now: datetime) -> None:
    """Those that ended long ago, with their events."""
    if settings.JOB_RETENTION is None:
        return
    number = lifecycle.forget(now - settings.JOB_RETENTION, at_most=AT_ONCE)
    if number:
        logger.info("%s jobs are forgotten: they ended over %s ago", number, settings.JOB_RETENTION)


def events_of_nodes(now: datetime) -> None:
    """The oldest of all are looked at; newer ones have another turn."""
    if settings.NODE_EVENT_RETENTION is None:
        return
    oldest = NodeEvent.objects.order_by("pk").values_list("pk", "at")[:AT_ONCE]
    old = [pk for pk, at in oldest if at + settings.NODE_EVENT_RETENTION < now]
    NodeEvent.objects.filter(pk__in=old).delete()


def sweeps(now: datetime) -> None:
    """The ledger's, and alerts that are over."""
    ledger.prune(now)
    if settings.LEDGER_RETENTION is not None:
        RecoveryAlert.objects.filter(over_at__lt=now - settings.LEDGER_RETENTION).delete()


def logins(now: datetime) -> None:
    """Sessions that are over."""
    over = Session.objects.filter(expire_date__lt=now).order_by("expire_date").values("pk")[:AT_ONCE]
    Session.objects.filter(pk__in=list(over.values_list("pk", flat=True))).delete()


KINDS: Final[tuple[Callable[[datetime], None], ...]] = (jobs, events_of_nodes, sweeps, logins)
