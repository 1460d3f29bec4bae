"""Which transitions the stories have taken: a machine that goes no way shows nothing of it."""

from collections import Counter
from typing import Final

from django.db import connection

TAKEN: Final = """
    SELECT CASE
        WHEN e.kind = 'submitted' THEN CASE WHEN j.rerun_of_id IS NULL THEN 'T1' ELSE 'T22' END
        WHEN e.kind = 'placed' THEN 'T2'
        WHEN e.kind = 'dispatched' THEN CASE e.actor WHEN 'recovery' THEN 'T4' ELSE 'T3' END
        WHEN e.kind = 'returned' THEN CASE e.from_phase WHEN 'PLACED' THEN 'T4b' ELSE 'T16' END
        WHEN e.kind = 'started' THEN 'T7'
        WHEN e.kind = 'active' THEN 'T9'
        WHEN e.kind = 'cancel requested' THEN 'T11'
        WHEN e.kind = 'requeued' THEN 'T20'
        WHEN e.kind <> 'finished' THEN e.kind
        WHEN e.from_state = 'PENDING' THEN CASE e.to_state WHEN 'CANCELLED' THEN 'T5' ELSE 'T6' END
        WHEN e.message = 'Cancelled before it started.' THEN 'T16'
        WHEN e.evidence ->> 'evidence' = 'BOOT' THEN 'T18'
        WHEN e.evidence ->> 'evidence' = 'ABSENCE' THEN 'T17'
        WHEN e.evidence ->> 'evidence' = '' THEN 'T19'
        WHEN e.to_state = 'CANCELLED' THEN 'T12'
        WHEN e.evidence ->> 'reason' = 'TimeLimit' THEN 'T13'
        ELSE 'T10' END AS taken, count(*)
    FROM jobs_jobevent e JOIN jobs_job j ON j.id = e.job_id GROUP BY 1
    UNION ALL SELECT 'T21', count(*) FROM jobs_nodeevent
    WHERE kind = 'service UP' AND message = 'every process here is accounted for'
"""
ALL: Final = (
    *("T1", "T2", "T3", "T4", "T4b", "T5", "T6", "T7", "T9", "T10", "T11", "T12", "T13"),
    *("T16", "T17", "T18", "T19", "T20", "T21", "T22"),
)
"""T8 leaves no trace in the database; T14 and T15 are the lease's."""


class Tally:
    """Of all stories."""

    def __init__(self) -> None:
        self.stories = self.steps = 0
        self.taken: Counter[str] = Counter()

    def add(self, steps: int) -> None:
        """A story has ended."""
        self.stories += 1
        self.steps += steps
        with connection.cursor() as cursor:
            cursor.execute(TAKEN)
            self.taken.update(dict(cursor.fetchall()))

    def missing(self) -> list[str]:
        """Transitions that none of them has taken."""
        return [name for name in ALL if not self.taken[name]]

    def __str__(self) -> str:
        others = sorted(set(self.taken) - set(ALL))
        taken = [f"{name} {self.taken[name]}" for name in (*ALL, *others)]
        return f"{self.stories} stories, {self.steps} steps: {', '.join(taken)}"
