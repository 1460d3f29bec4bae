"""Plays cases on a platform that is reused, and judges each.

Those that are reached in the same way are played in groups: one fault after the other, each with a job of
its own, and one look at the end of all of them. A later fault may meet a job of before. So as many jobs may
end in a way as there are faults that lead to it, and what a job has told by itself must agree with its end.
When a group fails, each of its cases is played again alone.
"""

import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.eventually import eventually
from tests.sweep.cases import CANCELLED, COMPLETED, Case
from tests.sweep.report import Report
from tests.sweep.stage import LEASE, PATIENCE, Stage

Broken = (AssertionError, pytest.fail.Exception)
Group = list[Case]


def sweep(chosen: Iterable[Case], directory: Path, *, size: int) -> Report:
    """Play them in groups of at most `size`, on one platform for as long as that is well."""
    report = Report()
    left = list(groups(chosen, size))
    while left:
        with _stage(directory / f"stage-{len(left)}", report) as stage:
            while left:
                again = _play(left.pop(0), stage, report)
                left = again + left
                if again is not NONE and not _is_well_again(stage):
                    break
    return report


NONE: list[Group] = []


def groups(chosen: Iterable[Case], size: int) -> Iterator[Group]:
    """Cases of one scenario together."""
    open_now: dict[object, Group] = {}
    for case in chosen:
        group = open_now.setdefault(case.place.scenario, [])
        group.append(case)
        if len(group) == size:
            yield open_now.pop(case.place.scenario)
    yield from open_now.values()


@contextmanager
def _stage(directory: Path, report: Report) -> Iterator[Stage]:
    with Stage(directory) as stage:
        try:
            yield stage
        finally:
            report.reached |= {name for name, _, _ in stage.hits()}


def _play(group: Group, stage: Stage, report: Report) -> list[Group]:
    """What is to be played again, after a failure: each of them alone. NONE: it has passed."""
    named = " ".join(map(str, group))
    try:
        took = play(group, stage)
    except Broken as failure:
        where = traceback.extract_tb(failure.__traceback__)[-1]
        words = f"{failure} ({where.name}: {where.line})"
        sys.stdout.write(f"{named}: FAILED: {words}\n")
        if len(group) == 1:
            report.failed[group[0]] = f"{words}{stage.platform.logs()}"
        return [[case] for case in group] if len(group) > 1 else []
    report.passed |= dict.fromkeys(group, took)
    sys.stdout.write(f"{named}: {took:.1f} s\n")
    sys.stdout.flush()
    return NONE


def _is_well_again(stage: Stage) -> bool:
    """After a case that failed."""
    stage.disarm()
    with suppress(*Broken):
        stage.end_all()
        eventually(stage.is_well, within=PATIENCE)
        return True
    return False


def play(group: Group, stage: Stage) -> float:
    """A group, to its clean end; the seconds from the last fault to that."""
    eventually(stage.is_well, within=2 * PATIENCE, what="a platform that is well")
    jobs = [_meet(case, stage) for case in group]
    begun = time.monotonic()
    until = _Until(begun + PATIENCE)
    until(lambda: all(map(stage.fate, jobs)), lambda: f"the end of each: {stage.told(jobs)}")
    judge(group, stage, jobs)
    until(lambda: not stage.living(), lambda: f"no strays: {stage.living()}")
    assert stage.unreleased() == []
    until(stage.is_well, lambda: "a platform that is well again")
    until(lambda: not stage.auditor.violations(), lambda: f"every invariant: {stage.auditor.violations()}")
    stage.disarm()
    return time.monotonic() - begun


def _meet(case: Case, stage: Stage) -> int:
    """Have one fault happen; the job that was made for it."""
    job = case.place.scenario.play(stage, lambda: stage.arm(case.point, case.action))
    pid = eventually(lambda: stage.happened(case.point), within=PATIENCE, what=f"{case} to happen")
    if case.action == "stop" and pid:
        stage.wake(pid, after=3 * LEASE)
    return job


class _Until:
    """Waits for one thing after the other, until one moment for all of them."""

    def __init__(self, deadline: float) -> None:
        self._deadline = deadline

    def __call__(self, condition: Callable[[], bool], what: Callable[[], str]) -> None:
        eventually(condition, within=max(self._deadline - time.monotonic(), 1.0), every=0.1, what=what)


def judge(group: Group, stage: Stage, jobs: list[int]) -> None:
    """Each has started once at most, and its end is true, by its own word too.

    Each fault has happened once, so that no more jobs end in its way than there are cases of it.
    """
    fates = {job: stage.fate(job) for job in jobs}
    usual = group[0].place.scenario.end
    for fate, number in Counter(fates.values()).items():
        allowed = sum(fate in {*case.ends, usual} for case in group)
        assert number <= allowed, f"{number} jobs end as {fate}, {allowed} may: {stage.told(jobs)}"
    for job, fate in fates.items():
        _believe(stage, job, fate)


def _believe(stage: Stage, job: int, fate: str) -> None:
    starts = stage.witness.starts[job]
    assert starts <= 1, f"job {job} started {starts} times"
    if fate == COMPLETED:
        assert (starts, stage.ended_well(job)) == (1, True), f"job {job} is COMPLETED and says nothing of it"
    elif fate == CANCELLED:
        assert not stage.ended_well(job), f"job {job} is CANCELLED and says that it ended well"
