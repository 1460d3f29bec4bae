"""The rows of some jobs, asked of PostgreSQL directly: cheaper than a page, and by the clock of the rows."""

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psycopg

from jobsite.environment import embedded_database_url


class JobRows:
    """One connection to a platform's embedded database."""

    def __init__(self, var: Path) -> None:
        self._connection: psycopg.Connection[Any] = psycopg.connect(
            embedded_database_url(var), autocommit=True
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def of(self, jobs: Sequence[int], *columns: str) -> list[tuple[Any, ...]]:
        """These columns of these jobs, by number."""
        wanted = ", ".join(columns)
        return self._ask(f"SELECT {wanted} FROM jobs_job WHERE id = ANY(%s) ORDER BY id", jobs)  # noqa: S608

    def all_in(self, phase: str, jobs: Sequence[int]) -> bool:
        """Each of them is in this phase."""
        return self.of(jobs, "phase") == [(phase,)] * len(jobs)

    def unreleased(self, jobs: Sequence[int]) -> list[tuple[Any, ...]]:
        """What they still hold: job, attempt, status."""
        return self._ask(
            "SELECT job_id, attempt, status FROM jobs_resourceallocation"
            " WHERE job_id = ANY(%s) AND status <> 'RELEASED'",
            jobs,
        )

    def recorded(self, jobs: Sequence[int]) -> dict[int, float]:
        """When the end of each was written, in seconds since 1970."""
        written = self._ask(
            "SELECT job_id, extract(epoch FROM at)::float FROM jobs_jobevent"
            " WHERE kind = 'finished' AND job_id = ANY(%s)",
            jobs,
        )
        return dict(written)

    def _ask(self, query: str, jobs: Sequence[int]) -> list[tuple[Any, ...]]:
        return self._connection.execute(query, [list(jobs)]).fetchall()
