"""What tries to outlive its job does not, while its wrapper lives: in each tier that this machine has.

All of them run at the same time, once for each tier; the tests ask what became of each.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from jobs.execution.records import Outcome
from jobs.execution.spool import AttemptDirectory, Spool
from tests.eventually import eventually
from tests.jobs.execution import running
from tests.jobs.execution.escapes import LEAVES, MANY, STAYS
from tests.jobs.execution.tiers import TIERS, station_of
from tests.remains import processes_of

LIMIT, GRACE = 3.0, 0.5
SLACK = 2.0
"""How long after limit and grace everything must be over."""


@dataclass(frozen=True)
class Attempted:
    """One escape: what it said, how it ended by its wrapper's word, and what lived at that moment."""

    said: str
    outcome: Outcome
    left: list[str]


@pytest.fixture(scope="module", params=TIERS)
def attempted(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Attempted]]:
    """All of them, by name."""
    tmp_path = tmp_path_factory.mktemp("escapes")
    spool = Spool.open(tmp_path / "spool")
    with station_of(spool, request.param) as station:
        scripts = {**LEAVES, **STAYS, "thousands of programs": MANY}
        directories = {}
        for number, (name, script) in enumerate(scripts.items(), 1):
            group = str(station.cages.make(f"{number}.1")) if station.cages else ""
            directories[name] = begun(spool, number, script, group)
        yield {name: attempt(directory) for name, directory in directories.items()}
    eventually(lambda: running.killed(tmp_path), within=running.LONG)


def begun(spool: Spool, number: int, script: str, group: str) -> AttemptDirectory:
    directory = spool.attempt(number, 1)
    limit = running.LONG if script == MANY else LIMIT
    tag = str(directory.path)
    environment = {"PATH": os.environ["PATH"], "JOBSITE_TOKEN": directory.token, "TAG": tag}
    return running.started(
        spool,
        script,
        job_id=number,
        arguments=[tag],
        environment=environment,
        time_limit_seconds=limit,
        grace_seconds=GRACE,
        cgroup=group,
    )


def attempt(directory: AttemptDirectory) -> Attempted:
    wrapper = running.ticket_of(directory).wrapper
    assert wrapper is not None
    outcome = running.outcome_of(directory)
    left = [command for pid, command in processes_of(directory.path) if pid != wrapper.pid]
    own = directory.path / "said"
    return Attempted(own.read_text() if own.exists() else running.said(directory), outcome, left)


@pytest.mark.parametrize("name", LEAVES)
def test_f46_f47_what_a_script_leaves_behind_ends_with_it(attempted: dict[str, Attempted], name: str) -> None:
    """F46, F47: a daemon, however it was made, and zombies that nobody takes; the script's own end stands."""
    found = attempted[name]
    assert "out" in found.said
    assert found.left == []
    assert (found.outcome.exit_code, found.outcome.cause) == (0, None)


@pytest.mark.parametrize("name", STAYS)
def test_f49_f51_f57_what_does_not_want_to_end_is_over_soon_after_its_limit(
    attempted: dict[str, Attempted], name: str
) -> None:
    """F49, F51, F57: ignores TERM, is stopped, forks without end, or has no output and a million files."""
    found = attempted[name]
    assert "out" in found.said
    assert found.left == []
    assert found.outcome.cause == "limit"
    assert found.outcome.wall_seconds < LIMIT + GRACE + SLACK


def test_thousands_of_programs_leave_nothing_and_lose_nothing(attempted: dict[str, Attempted]) -> None:
    found = attempted["thousands of programs"]
    assert (found.said, found.left, found.outcome.exit_code) == ("out\n", [], 0)


def test_there_are_more_files_than_the_escapes_may_open(attempted: dict[str, Attempted]) -> None:
    assert "Too many open files" in attempted["a million descriptors"].said
