"""The rows as they are, asked of the database directly and by SQL alone."""

from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any, Final, Self

import psycopg

FINAL: Final = ("COMPLETED", "FAILED", "CANCELLED")
COLUMNS: Final = (
    "j.id, coalesce(j.idempotency_key, ''), j.state, j.phase, j.reason, j.attempt, j.exit_code,"
    " j.exit_signal, j.evidence, coalesce(n.name, ''), j.started_at, j.ended_at, j.requeue, j.detail"
)


@dataclass(frozen=True)
class Row:
    """One job's."""

    id: int
    key: str
    state: str
    phase: str
    reason: str
    attempt: int
    exit_code: int | None
    exit_signal: int | None
    evidence: str
    node: str
    started_at: datetime | None
    ended_at: datetime | None
    requeue: bool
    detail: str

    @property
    def is_final(self) -> bool:
        """It has ended."""
        return self.state in FINAL

    @property
    def span(self) -> tuple[float, float]:
        """From its claim to its end, in seconds since 1970; all time for what was never claimed."""
        begin = self.started_at.timestamp() if self.started_at else 0.0
        return begin, self.ended_at.timestamp() if self.ended_at else float("inf")


class Rows:
    """One connection, made anew when the database has been away."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: psycopg.Connection[Any] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Hang up."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def ask(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Raises psycopg.Error when it is away; the next question begins anew."""
        try:
            if self._connection is None:
                self._connection = psycopg.connect(self._url, autocommit=True, connect_timeout=3)
            return self._connection.execute(query, list(values) or None).fetchall()
        except psycopg.Error:
            self.close()
            raise

    def jobs(self, where: str = "true", *values: object) -> list[Row]:
        """Those for which this holds, by number."""
        source = f"FROM jobs_job j LEFT JOIN jobs_node n ON n.id = j.node_id WHERE {where} ORDER BY j.id"
        return [Row(*found) for found in self.ask(f"SELECT {COLUMNS} {source}", *values)]

    def is_well(self, node: str, since: float, lease: float) -> bool:
        """The node speaks, hears the broker and takes jobs, all by word of after this moment."""
        query = (
            "SELECT 1 FROM jobs_node n JOIN jobs_nodelease l ON l.node_id = n.id WHERE n.name = %s"
            " AND n.service = 'UP' AND l.lease_until > clock_timestamp()"
            " AND l.lease_until - %s * interval '1 second' > to_timestamp(%s)"
            " AND l.broker_ok_at > to_timestamp(%s)"
        )
        return bool(self.ask(query, node, lease, since, since))

    def is_led(self, since: float, lease: float) -> bool:
        """A scheduler leads that has renewed after this moment."""
        query = (
            "SELECT 1 FROM scheduler_schedulerlease WHERE until > clock_timestamp()"
            " AND until - %s * interval '1 second' > to_timestamp(%s)"
        )
        return bool(self.ask(query, lease, since))

    def have_ended(self, jobs: list[int]) -> bool:
        """All of these."""
        return not self.ask("SELECT 1 FROM jobs_job WHERE id = ANY(%s) AND phase <> 'DONE' LIMIT 1", jobs)
