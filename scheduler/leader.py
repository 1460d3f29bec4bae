"""One leader by a row and a term.

A session lock could not do this: a stopped process keeps its session, and writes when it wakes. Here every
placing transaction first reads the row with its own term and an unexpired lease FOR SHARE: no row, no
placing.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.db import connection, transaction
from django.db.models import F

from jobs.models.clock import ClockTimestamp, from_now
from jobs.models.job import Mark
from scheduler.models import SchedulerLease


class DeposedError(Exception):
    """This scheduler's lease is over, or another leads. Nothing was placed."""


class Leader:
    """One scheduler's claim to lead."""

    def __init__(self, holder: str, lease: timedelta) -> None:
        self.holder = holder
        self.lease = lease
        self.term: int | None = None
        self.mark: Mark | None = None
        """Where the last pass stopped in a long queue. None: at its end."""

    def campaign(self) -> bool:
        """Become leader if nobody is, or stay it. False: another one leads."""
        return self.renew() or self._take_over()

    def renew(self) -> bool:
        """Lead on. False: this scheduler did not lead, or leads no longer."""
        if self.term is None:
            return False
        mine = SchedulerLease.objects.filter(pk=1, holder=self.holder, term=self.term)
        if mine.filter(until__gt=ClockTimestamp()).update(until=from_now(self.lease)) != 1:
            self.term = None
        return self.term is not None

    def step_down(self) -> None:
        """Let the next one lead at once."""
        if self.term is not None:
            SchedulerLease.objects.filter(pk=1, term=self.term).update(until=ClockTimestamp())
            self.term = None

    @contextmanager
    def leading(self) -> Iterator[None]:
        """A transaction in which this scheduler leads, to its end. Raises DeposedError.

        The row stays locked meanwhile. A process that freezes in here must not keep the next leader waiting
        until it wakes: the database ends its session, and with it the transaction, after one lease.
        """
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT set_config('idle_in_transaction_session_timeout', %s, true)",
                    [str(int(self.lease.total_seconds() * 1000) or 1)],
                )
                cursor.execute(
                    "SELECT 1 FROM scheduler_schedulerlease"
                    " WHERE id = 1 AND term = %s AND until > clock_timestamp() FOR SHARE",
                    [self.term],
                )
                if cursor.fetchone() is None:
                    self.term = None
                    raise DeposedError
            yield

    def _take_over(self) -> bool:
        over = SchedulerLease.objects.filter(pk=1, until__lte=ClockTimestamp())
        with transaction.atomic():  # the term that is read is the one that was written, not a later one's
            won = over.update(holder=self.holder, term=F("term") + 1, until=from_now(self.lease)) == 1
            term = SchedulerLease.objects.values_list("term", flat=True).get(pk=1) if won else None
        self.term = term
        return won
