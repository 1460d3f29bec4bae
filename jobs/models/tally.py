"""Counts that never fall, without a counter.

A counter's row would be locked by everybody who ends a job, on all nodes, and in another order in each
transaction that ends several. So whatever is counted is a row of its own, in the transaction of what it
counts, and now and then many rows become one. Their sum is the count, in every snapshot and whoever adds up.
"""

from enum import StrEnum
from typing import Final

from django.db import connection, models
from django.db.models import Sum

AT_ONCE: Final = 10_000
FEW: Final = 500
"""As many rows are left as they are: to read them costs nothing."""
ADD_UP: Final = """
WITH taken AS MATERIALIZED (
    SELECT id FROM jobs_tally ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED
), gone AS (
    DELETE FROM jobs_tally t USING taken WHERE t.id = taken.id RETURNING t.counter, t.kind, t.cause, t.number
)
INSERT INTO jobs_tally (counter, kind, cause, number)
SELECT counter, kind, cause, sum(number) FROM gone GROUP BY counter, kind, cause
"""


class Counter(StrEnum):
    """What is counted."""

    ENDED = "ended"
    """Jobs, by the state and the reason of their end."""
    SWEPT = "swept"
    """What sweeps did, by strategy and outcome."""


class TallyQuerySet(models.QuerySet["Tally"]):
    """Adds, and adds up."""

    def count_one(self, counter: Counter, kind: str, cause: str, number: int = 1) -> None:
        """One more, or more at once."""
        self.create(counter=counter, kind=kind, cause=cause, number=number)

    def totals(self, counter: Counter) -> dict[tuple[str, str], int]:
        """The counts by kind and cause, all of one moment."""
        rows = self.filter(counter=counter).order_by().values_list("kind", "cause")
        return {(kind, cause): int(total) for kind, cause, total in rows.annotate(total=Sum("number"))}

    def add_up(self) -> None:
        """Make few rows of many. What others add up just now is left to them."""
        if self.order_by()[: FEW + 1].count() > FEW:
            with connection.cursor() as cursor:
                cursor.execute(ADD_UP, [AT_ONCE])


class Tally(models.Model):
    """One thing that was counted, or the sum of many."""

    counter = models.CharField(max_length=16, choices=[(c, c) for c in Counter])
    kind = models.CharField(max_length=64)
    cause = models.CharField(max_length=32, blank=True)
    number = models.PositiveBigIntegerField(default=1)

    objects = TallyQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.number} {self.counter}: {self.kind} {self.cause}"
