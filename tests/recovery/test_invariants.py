"""Which of the promise's invariants one command can see, and what shows the others."""

import re
from pathlib import Path

import pytest

from recovery.invariants.check import BEYOND_ROWS
from recovery.invariants.rows import ROW_INVARIANTS

ROOT = Path(__file__).resolve().parents[2]

ELSEWHERE = {
    "I11": (
        "tests/acceptance/test_faults.py",
        "test_jobs_end_with_their_true_code_though_postgresql_was_restarted_under_them",
    ),
    "I13": (
        "tests/acceptance/test_messages.py",
        "test_a_hundred_forged_messages_start_nothing_and_stop_nothing",
    ),
    "I15": (
        "tests/jobs/execution/test_pid_reuse.py",
        "test_f59_f63_a_stranger_with_the_pid_of_a_dead_process_is_never_signalled_and_never_adopted",
    ),
    "I17": (
        "tests/acceptance/test_faults.py",
        "test_anothers_job_is_the_same_404_as_one_that_does_not_exist",
    ),
}
"""What leaves no trace that could be looked for afterwards: the answer to a request, a signal, a message."""


def test_each_invariant_is_seen_by_the_command_or_shown_by_a_test_of_its_own() -> None:
    seen = set(re.findall(r"\bI\d+", " ".join([*ROW_INVARIANTS, *BEYOND_ROWS])))
    assert seen.isdisjoint(ELSEWHERE)
    assert seen | set(ELSEWHERE) == {f"I{number}" for number in range(1, 19)}


@pytest.mark.parametrize(("file", "name"), ELSEWHERE.values(), ids=ELSEWHERE)
def test_the_test_that_shows_it_is_there(file: str, name: str) -> None:
    assert f"def {name}(" in (ROOT / file).read_text()
