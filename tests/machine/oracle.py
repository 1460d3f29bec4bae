"""What must hold after every step: the promise as the product's queries say it, and as the machine knows it.

The machine knows what really happened: which process ran, and how it ended. No row tells it that.
"""

from collections import Counter, defaultdict
from typing import Any, Final, NamedTuple

from django.db import connection

from jobs.states import FINAL_STATES, Service, State
from recovery.invariants.capacity import overdrafts
from recovery.invariants.rows import ROW_INVARIANTS
from tests.machine.world import World

QUESTIONS: Final = [
    f"SELECT '{name}' AS broken, found::text FROM ({query}) found"  # noqa: S608 - nobody else's words
    for name, (_, query) in ROW_INVARIANTS.items()
]
PREPARED: Final = f"PREPARE machine_invariants AS {' UNION ALL '.join(QUESTIONS)}"
ROWS: Final = """
    PREPARE machine_rows AS
    SELECT j.id, j.state, j.phase, j.attempt, n.name, j.evidence, j.requeue, j.max_attempts, j.dispatch_seq,
        j.hold, j.reason, md5(j::text) FROM jobs_job j LEFT JOIN jobs_node n ON n.id = j.node_id ORDER BY j.id
"""
IN_SERVICE: Final = (Service.UP, Service.DRAIN)


class Row(NamedTuple):
    """A job's row as far as the machine compares it."""

    pk: int
    state: str
    phase: str
    attempt: int
    node: str | None
    evidence: str
    requeue: bool
    max_attempts: int
    dispatch_seq: int
    hold: str
    reason: str
    digest: str


class Oracle:
    """Looks at everything after each step. Raises AssertionError."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.accepted: set[int] = set()
        self.rows: dict[int, Row] = {}
        self._ends: dict[int, str] = {}

    def look(self) -> None:
        """All of it, unless nothing has changed since."""
        world = self._world
        assert not world.complaints.unexpected, world.complaints.unexpected
        if world.is_changed:
            world.is_changed = False
            broken = _ask("machine_invariants")
            assert not broken, broken
            self.rows = {row[0]: Row(*row) for row in _ask("machine_rows")}
            self._look_at_rows()
        self._look_at_processes()

    def look_back(self) -> None:
        """At what is only in the history."""
        assert overdrafts() == []

    def _look_at_rows(self) -> None:
        lost = self.accepted - set(self.rows)
        assert not lost, f"I11: accepted, and not there: {lost}"
        for row in self.rows.values():
            if row.state in FINAL_STATES:
                before = self._ends.setdefault(row.pk, row.digest)
                assert before == row.digest, f"I9: job {row.pk} had ended, and is another now"
            sent = self._world.broker.sent[row.pk]
            assert sent <= row.dispatch_seq, f"L4: {sent} messages of job {row.pk}, {row.dispatch_seq} won"
        self._look_at_ends()

    def _look_at_ends(self) -> None:
        """I14: no end is told that did not happen."""
        by_itself = {wrapper.pair for wrapper in self._world.wrappers if wrapper.exit_code == 0}
        for row in self.rows.values():
            if row.state == State.COMPLETED:
                assert (row.pk, row.attempt) in by_itself, f"I14: job {row.pk} has not ended with 0"

    def _look_at_processes(self) -> None:
        starts: Counter[tuple[int, int]] = Counter()
        lives: dict[int, list[str]] = defaultdict(list)
        for wrapper in self._world.wrappers:
            starts[wrapper.pair] += wrapper.starts
            if wrapper.job_runs:
                lives[wrapper.pair[0]].append(f"{wrapper.pair} on {wrapper.host.name}")
                self._look_at_place(wrapper.pair, wrapper.host.name)
        twice = [pair for pair, times in starts.items() if times > 1]
        assert not twice, f"I1: started twice: {twice}"
        for job_id, places in lives.items():
            assert len(places) == 1, f"I3: job {job_id} lives as {places}"
        of_job = Counter(job_id for job_id, _ in starts.elements())
        for job_id, times in of_job.items():
            row = self.rows[job_id]
            assert times <= (row.max_attempts if row.requeue else 1), (
                f"I2: job {job_id} started {times} times"
            )

    def _look_at_place(self, pair: tuple[int, int], host: str) -> None:
        row = self.rows.get(pair[0])
        at_home = row is not None and (row.state, row.attempt, row.node) == (State.RUNNING, pair[1], host)
        assert at_home or self._service(host) not in IN_SERVICE, f"I7, I8: {pair} runs on {host}: {row}"

    def _service(self, host: str) -> str:
        with connection.cursor() as cursor:
            cursor.execute("SELECT service FROM jobs_node WHERE name = %s", [host])
            found: str = cursor.fetchone()[0]
            return found


def prepare() -> None:
    """Plan the two questions once for all stories."""
    with connection.cursor() as cursor:
        cursor.execute(PREPARED)
        cursor.execute(ROWS)


def _ask(question: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(f"EXECUTE {question}")
        return list(cursor.fetchall())
