"""How all jobs of a platform have ended, and how long they waited for their start: from the rows."""

from collections import Counter
from dataclasses import dataclass
from typing import Any, Self

import psycopg

from jobsite.environment import embedded_database_url
from tests.acceptance.witness import Witness
from tests.platform import Platform

WAITS = """
SELECT percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY extract(epoch FROM started_at - submitted_at))
FROM (SELECT started_at, submitted_at, ntile(3) OVER (ORDER BY id) AS part FROM jobs_job) AS jobs
WHERE started_at IS NOT NULL GROUP BY part ORDER BY part
"""  # noqa: E501


@dataclass(frozen=True)
class Ends:
    """The jobs by end, how many started more than once or never, and the waits of each third of the time."""

    states: Counter[str]
    jobs: int
    attempts: int
    started_twice: int
    not_started: int
    waits: list[list[float]]

    @classmethod
    def of(cls, platform: Platform, witness: Witness) -> Self:
        """By the rows, and by what the jobs themselves have told."""
        with psycopg.connect(embedded_database_url(platform.var)) as rows:
            states = dict(rows.execute("SELECT state, count(*) FROM jobs_job GROUP BY state").fetchall())
            ((jobs, attempts),) = rows.execute("SELECT count(*), sum(attempt) FROM jobs_job").fetchall()
            waits = [waits for (waits,) in rows.execute(WAITS)]
        twice = sum(starts > 1 for starts in witness.starts.values())
        return cls(Counter(states), jobs, int(attempts), twice, jobs - len(witness.starts), waits)

    @property
    def clean(self) -> bool:
        """Each has completed, and each started once."""
        return self.states == {"COMPLETED": self.jobs} and not self.started_twice and not self.not_started

    def figures(self) -> dict[str, Any]:
        """For the file."""
        return {
            "jobs": self.jobs,
            "states": dict(self.states),
            "attempts": self.attempts,
            "started_twice": self.started_twice,
            "not_started": self.not_started,
            "start_wait_s_p50_p95_p99_by_third": [[round(wait, 3) for wait in third] for third in self.waits],
        }

    def __str__(self) -> str:
        ended = ", ".join(f"{state} {number}" for state, number in sorted(self.states.items()))
        waits = " · ".join("/".join(f"{wait:.2f}" for wait in third) for third in self.waits)
        return (
            f"jobs={self.jobs} ({ended}) attempts={self.attempts} started_twice={self.started_twice}"
            f" not_started={self.not_started}\nsubmit to start, p50/p95/p99 s in each third: {waits}"
        )
