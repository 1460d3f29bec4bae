"""The oracle finds nothing in a good round, and each kind of wrong in one that has it."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tests.chaos import oracle
from tests.chaos.injuries import Injury
from tests.chaos.oracle import Record
from tests.chaos.rows import Row
from tests.chaos.schedule import Harm, PlannedJob, Work
from tests.chaos.tracebacks import Traceback
from tests.chaos.witness import Statement

QUICK, FAILING, LOUD, DEAF = 10, 11, 12, 13
MEGABYTES = 100 << 20
BEGUN = 1_000_000.0


def planned(number: int, work: Work, exit_code: int = 0) -> PlannedJob:
    return PlannedJob(number, 0.0, work, 0.1, exit_code, requeue=False, gpus=0, answer_is_lost=False)


def row(job: int, state: str = "COMPLETED", reason: str = "", exit_code: int | None = 0) -> Row:
    began, ended = (datetime.fromtimestamp(BEGUN + seconds, UTC) for seconds in (10, 20))
    told = (job, f"chaos-{job - 10}", state, "DONE", reason, 1, exit_code, None, "SPOOL", "n1")
    return Row(*told, began, ended, False, "")


def good() -> Record:
    """Four jobs that ended as their scripts do."""
    works = (Work.QUICK, Work.FAILING, Work.LOUD, Work.DEAF)
    return Record(
        planned={n: planned(n, work, 7 * (work is Work.FAILING)) for n, work in enumerate(works)},
        acknowledged={number: {number + 10} for number in range(4)},
        refused={},
        cancels=set(),
        rows=[
            row(QUICK),
            row(FAILING, "FAILED", "NonZeroExitCode", 7),
            row(LOUD),
            row(DEAF, "FAILED", "TimeLimit", None),
        ],
        testimony=Statement.of(
            [f"start {job} 1 99 5 -" for job in (QUICK, FAILING, LOUD, DEAF)]
            + [f"end {QUICK} 1 99 6 0", f"end {FAILING} 1 99 6 7", f"end {LOUD} 1 99 6 0"]
        ),
        injuries=[],
        output_sizes={(LOUD, 1): MEGABYTES},
        loud_bytes=MEGABYTES,
        directories=[(QUICK, 1)],
    )


def change(record: Record, job: int, **columns: object) -> None:
    record.rows = [replace(one, **columns) if one.id == job else one for one in record.rows]  # type: ignore[arg-type]


def tell(record: Record, *lines: str) -> None:
    told = Statement.of([*lines])
    record.testimony.starts += told.starts
    record.testimony.ends |= told.ends
    record.testimony.odd += told.odd


def forget(record: Record, job: int) -> None:
    record.rows = [one for one in record.rows if one.id != job]


WRONGS: dict[str, list[Callable[[Record], object]]] = {
    "started_twice": [
        lambda record: tell(record, f"start {QUICK} 1 98 7 -"),
        lambda record: tell(record, f"start {QUICK} 2 98 7 -"),
    ],
    "lost": [
        lambda record: forget(record, QUICK),
        lambda record: change(record, QUICK, key="chaos-99"),
    ],
    "stuck": [lambda record: change(record, DEAF, state="RUNNING", phase="STOPPING")],
    "false_ok": [
        lambda record: record.testimony.ends.pop((QUICK, 1)),
        lambda record: change(record, QUICK, attempt=2),
        lambda record: tell(record, f"end {QUICK} 1 99 6 3"),
        lambda record: record.output_sizes.update({(LOUD, 1): MEGABYTES - 1}),
        lambda record: record.output_sizes.clear(),
    ],
    "strays": [lambda record: record.strays.append("4711: sleep 600")],
    "cpus_leaked": [lambda record: setattr(record, "cpus_held", 1)],
    "verify_invariants": [lambda record: record.violations.append("I4")],
    "rewrites": [lambda record: record.rewrites.append("COMPLETED became FAILED")],
    "overlapping": [lambda record: record.overlaps.append("job 10: 1 and 2")],
    "broken_meanwhile": [lambda record: record.broken.append("I6: n1 gave 9 of 8")],
    "unexplained_ends": [
        lambda record: change(record, QUICK, state="FAILED", reason="SupervisorLost", exit_code=None),
        lambda record: change(record, FAILING, exit_code=8),
        lambda record: change(record, FAILING, state="COMPLETED", reason="", exit_code=0),
        lambda record: change(record, QUICK, state="CANCELLED", reason="Cancelled", exit_code=None),
        lambda record: change(record, QUICK, state="FAILED", reason="TimeLimit", exit_code=None),
    ],
    "unanswered": [
        lambda record: record.acknowledged.pop(3),
        lambda record: record.refused.update({3: "400"}),
    ],
    "doubled": [
        lambda record: record.acknowledged[0].add(14),
        lambda record: record.rows.append(row(QUICK)),
    ],
    "unasked": [lambda record: record.rows.append(row(15))],
    "leaked": [lambda record: record.held.append("GPU of allocation 1")],
    "orphan_directories": [
        lambda record: record.directories.append((99, 1)),
        lambda record: record.directories.append((QUICK, 2)),
    ],
    "strangers_signalled": [lambda record: record.signalled.append("stranger 1: status 15")],
    "tracebacks": [
        lambda record: record.tracebacks.append(Traceback("beat", 0.0, 1.0, "KeyError", "…")),
    ],
    "odd_testimony": [lambda record: tell(record, "start 1")],
    "harness": [lambda record: record.harness.append("the watcher has fallen asleep")],
}


def test_nothing_is_found_in_a_good_round() -> None:
    assert {name for name, found in oracle.judge(good()).items() if found} == set()


def test_there_is_a_wrong_for_each_zero() -> None:
    assert set(WRONGS) == set(oracle.ZEROS)


@pytest.mark.parametrize(
    ("name", "number"), [(name, number) for name, wrongs in WRONGS.items() for number in range(len(wrongs))]
)
def test_each_wrong_is_seen(name: str, number: int) -> None:
    record = good()
    WRONGS[name][number](record)
    assert oracle.judge(record)[name]


def test_a_job_that_may_run_again_may_start_once_in_each_of_five_attempts() -> None:
    record = good()
    change(record, QUICK, requeue=True)
    tell(record, *(f"start {QUICK} {attempt} 9 9 -" for attempt in (2, 3, 4, 5)))
    assert oracle.started_twice(record) == []
    tell(record, f"start {QUICK} 6 9 9 -")
    assert oracle.started_twice(record)


LOST = {"state": "FAILED", "reason": "SupervisorLost", "exit_code": None}
FAILED_WITH_NODE = {"state": "FAILED", "reason": "NodeFail", "exit_code": None, "evidence": "BOOT"}


@pytest.mark.parametrize(
    ("harm", "columns"),
    [
        (Harm.WRAPPER, LOST),
        (Harm.JOB, {"state": "FAILED", "reason": "RaisedSignal", "exit_code": None, "exit_signal": 9}),
        (Harm.REBOOT, FAILED_WITH_NODE),
        (Harm.DISK_FULL, {"state": "FAILED", "reason": "DiskFull", "exit_code": None}),
        (Harm.PARTITION, {**FAILED_WITH_NODE, "evidence": ""}),
    ],
)
def test_a_fault_explains_the_end_that_it_makes_and_no_other(harm: Harm, columns: dict[str, object]) -> None:
    record = good()
    change(record, QUICK, **columns)
    met = {"nodes": frozenset({"n1"}), "pairs": frozenset({(QUICK, 1)})}
    silent = Injury(1, harm, BEGUN - 30, BEGUN + 20, **met)  # type: ignore[arg-type]
    record.injuries = [silent]
    assert oracle.unexplained_ends(record) == []
    record.injuries = [replace(silent, nodes=frozenset({"n2"}), pairs=frozenset({(DEAF, 1)}))]
    assert oracle.unexplained_ends(record)
    for other in (Harm.WORKER, Harm.POSTGRES, Harm.BROKER_KILL, Harm.BEAT, Harm.CANCELS):
        record.injuries = [replace(silent, harm=other)]
        assert oracle.unexplained_ends(record)


def test_who_was_cancelled_at_somebodys_wish_has_an_explained_end() -> None:
    record = good()
    change(record, QUICK, state="CANCELLED", reason="Cancelled", exit_code=None)
    record.cancels.add(QUICK)
    assert oracle.unexplained_ends(record) == []


def test_a_reboot_before_the_job_began_explains_nothing() -> None:
    record = good()
    change(record, QUICK, **FAILED_WITH_NODE)
    record.injuries = [Injury(1, Harm.REBOOT, BEGUN, BEGUN + 5, nodes=frozenset({"n1"}))]
    assert oracle.unexplained_ends(record)


def test_the_witness_tells_each_start_and_each_end() -> None:
    told = Statement.of(["start 1 1 77 5 -", "end 1 1 77 2000000000 3", "start 2 1 78 6 -"])
    assert told.starts == Counter({(1, 1): 1, (2, 1): 1})
    assert told.ends == {(1, 1): [3]}
    assert told.ended_at == {(1, 1): 2.0}
    assert told.started == {1, 2}
