"""The judge of a round. It knows what was planned, acknowledged, witnessed, done and found, and nothing else.

What it does not see: an attempt that starts and is killed before its first line is on the disk (the witness
tells of no start, and nothing of its work was done); a job that was started twice within one process, which
the kernel does not do; what happens between two looks and leaves no trace in rows, events or witness; and
whatever needs power loss or a disk that lies.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from tests.chaos import ends, tracebacks
from tests.chaos.injuries import Injury
from tests.chaos.rows import Row
from tests.chaos.schedule import PlannedJob, Work
from tests.chaos.tracebacks import Traceback
from tests.chaos.witness import Pair, Statement


@dataclass
class Record:
    """All that is known of a round when it is over."""

    planned: dict[int, PlannedJob]
    """By number."""
    acknowledged: dict[int, set[int]]
    """The ids that were told for each planned job."""
    refused: dict[int, str]
    cancels: set[int]
    rows: list[Row]
    testimony: Statement
    injuries: list[Injury]
    rewrites: list[str] = field(default_factory=list)
    overlaps: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    strays: list[str] = field(default_factory=list)
    cpus_held: int = 0
    held: list[str] = field(default_factory=list)
    """Allocations, GPUs and control groups that nobody has given back."""
    directories: list[Pair] = field(default_factory=list)
    """Of the attempts that lie in the spools."""
    signalled: list[str] = field(default_factory=list)
    tracebacks: list[Traceback] = field(default_factory=list)
    output_sizes: dict[Pair, int] = field(default_factory=dict)
    """Bytes of the outputs of loud jobs."""
    loud_bytes: int = 0
    harness: list[str] = field(default_factory=list)
    """What the harness itself could not do."""

    @property
    def by_id(self) -> dict[int, Row]:
        """The rows by their id."""
        return {row.id: row for row in self.rows}

    @property
    def numbers(self) -> dict[int, int]:
        """The planned job of each acknowledged id."""
        return {one: number for number, ids in self.acknowledged.items() for one in ids}


def lost(record: Record) -> list[str]:
    """Acknowledged, and there is no such row, or it is another request's."""
    rows = record.by_id
    return [
        f"job {job}, acknowledged for {number}: {rows.get(job)}"
        for job, number in record.numbers.items()
        if job not in rows or rows[job].key != f"chaos-{number}"
    ]


def unanswered(record: Record) -> list[str]:
    """Never acknowledged, or refused, though each was asked for until somebody answered."""
    silent = [f"{number}: no answer" for number in record.planned if not record.acknowledged.get(number)]
    return silent + [f"{number}: {why}" for number, why in record.refused.items()]


def doubled(record: Record) -> list[str]:
    """One request is several jobs."""
    several = [f"{number}: {sorted(ids)}" for number, ids in record.acknowledged.items() if len(ids) > 1]
    keys = Counter(row.key for row in record.rows)
    return several + [f"{key} {times} times" for key, times in keys.items() if times > 1]


def unasked(record: Record) -> list[str]:
    """There is a job that nobody was told of, though everybody has got an answer."""
    return [f"job {row.id} {row.key}" for row in record.rows if row.id not in record.numbers]


def started_twice(record: Record) -> list[str]:
    """An attempt started twice; or a job did, whose owner does not allow it, or more often than allowed."""
    twice = [f"attempt {pair}: {n} starts" for pair, n in record.testimony.starts.items() if n > 1]
    runs = Counter(job for job, _ in record.testimony.starts)
    rows = record.by_id
    for job, number in runs.items():
        allowed = ends.MOST_RUNS if job in rows and rows[job].requeue else 1
        if number > allowed:
            twice.append(f"job {job}: {number} attempts have started")
    return twice


def stuck(record: Record) -> list[str]:
    """Acknowledged, and not over though everything works again."""
    return [
        f"job {row.id}: {row.state}/{row.phase} {row.reason} {row.detail}"
        for row in record.rows
        if row.id in record.numbers and not row.is_final
    ]


def false_ok(record: Record) -> list[str]:
    """COMPLETED, and that very attempt has not told of an end with 0; or its output is not whole."""
    found = []
    for row in record.rows:
        if row.state != "COMPLETED":
            continue
        pair = row.id, row.attempt
        if record.testimony.ends.get(pair) != [0]:
            found.append(f"job {row.id}.{row.attempt}: witnessed {record.testimony.ends.get(pair)}")
        planned = record.planned.get(record.numbers.get(row.id, -1))
        size = record.output_sizes.get(pair)
        if planned and planned.work is Work.LOUD and size != record.loud_bytes:
            found.append(f"job {row.id}.{row.attempt}: {size} bytes of output of {record.loud_bytes}")
    return found


def unexplained_ends(record: Record) -> list[str]:
    """Over, in a way that neither its script nor a fault that met it has."""
    runs = Counter(job for job, _ in record.testimony.starts)
    found = []
    for row in record.rows:
        job = record.planned.get(record.numbers.get(row.id, -1))
        if (
            row.is_final
            and job
            and not ends.is_explained(
                row, job, record.injuries, cancelled=row.id in record.cancels, runs=runs[row.id]
            )
        ):
            witnessed = record.testimony.ends.get((row.id, row.attempt))
            found.append(f"{job.work} job {row}: witnessed {witnessed}")
    return found


def orphan_directories(record: Record) -> list[str]:
    """A spool holds an attempt that no row knows."""
    rows = record.by_id
    return [
        f"{job}.{attempt}"
        for job, attempt in record.directories
        if job not in rows or attempt > rows[job].attempt
    ]


def unexplained_tracebacks(record: Record) -> list[str]:
    """No fault that was done explains them."""
    return [
        f"{one.log} at {one.earliest:.1f}: {one.exception}\n{one.text}"
        for one in tracebacks.unexplained(record.tracebacks, record.injuries)
    ]


ZEROS: Final[dict[str, Callable[[Record], list[str]]]] = {
    "started_twice": started_twice,
    "lost": lost,
    "stuck": stuck,
    "false_ok": false_ok,
    "strays": lambda record: record.strays,
    "cpus_leaked": lambda record: [f"{record.cpus_held} CPUs"] * record.cpus_held,
    "verify_invariants": lambda record: record.violations,
    "rewrites": lambda record: record.rewrites,
    "overlapping": lambda record: record.overlaps,
    "broken_meanwhile": lambda record: record.broken,
    "unexplained_ends": unexplained_ends,
    "unanswered": unanswered,
    "doubled": doubled,
    "unasked": unasked,
    "leaked": lambda record: record.held,
    "orphan_directories": orphan_directories,
    "strangers_signalled": lambda record: record.signalled,
    "tracebacks": unexplained_tracebacks,
    "odd_testimony": lambda record: record.testimony.odd,
    "harness": lambda record: record.harness,
}
"""Each must be empty."""


def judge(record: Record) -> dict[str, list[str]]:
    """What was found against each."""
    return {name: look(record) for name, look in ZEROS.items()}
