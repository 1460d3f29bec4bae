"""Which tracebacks a fault explains: of its kind, in its time, where it can be felt. All others are found."""

from datetime import UTC, datetime

import pytest

from tests.chaos.injuries import Injury
from tests.chaos.schedule import Harm
from tests.chaos.tracebacks import AFTER, tracebacks, unexplained

MOMENT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC).timestamp()
LOST = "psycopg.OperationalError: the connection is closed"
ONE = [
    "2026-01-02 03:04:05,000 ERROR jobs.agent: heard nothing",
    "Traceback (most recent call last):",
    '  File "ear.py", line 1, in wait',
    "    raise Closed",
    LOST,
    "\twhich may have a second line",
    "2026-01-02 03:04:06,000 INFO jobs: goes on",
]
CHAIN = [
    "Traceback (most recent call last):",
    '  File "a.py", line 1, in a',
    "KeyError: 'first'",
    "",
    "The above exception was the direct cause of the following exception:",
    "",
    "Traceback (most recent call last):",
    '  File "b.py", line 2, in b',
    "django.db.utils.OperationalError: second",
    "2026-01-02 03:04:06,000 INFO jobs: goes on",
]


def crash(harm: Harm = Harm.POSTGRES, seconds: float = 0.0, *nodes: str) -> Injury:
    at = MOMENT + seconds
    return Injury(1, harm, at, at, nodes=frozenset(nodes))


def test_a_traceback_is_found_with_its_moment_and_its_exception() -> None:
    (found,) = tracebacks("worker-n1", ONE)
    assert (found.exception, found.earliest, found.latest) == ("psycopg.OperationalError", MOMENT, MOMENT)
    assert LOST in found.text


def test_a_chain_is_one_and_counts_by_its_last_exception() -> None:
    (found,) = tracebacks("web-1", CHAIN)
    assert found.exception == "django.db.utils.OperationalError"
    assert (found.earliest, found.latest) == (0.0, MOMENT + 1)


def test_each_of_two_is_found() -> None:
    assert len([*tracebacks("web-1", ONE + ONE)]) == 2


def test_one_at_the_end_of_a_log_is_found() -> None:
    assert len([*tracebacks("web-1", ONE[:3])]) == 1


@pytest.mark.parametrize(
    ("injury", "is_explained"),
    [
        (crash(), True),
        (crash(Harm.POSTGRES, -AFTER + 1), True),
        (crash(Harm.POSTGRES, -AFTER - 1), False),
        (crash(Harm.POSTGRES, 1.0), False),
        (crash(Harm.BROKER_KILL), False),
        (crash(Harm.WORKER), False),
        (crash(Harm.PARTITION, 0.0, "n1"), True),
        (crash(Harm.PARTITION, 0.0, "n2"), False),
    ],
)
def test_a_lost_connection_is_explained_by_what_cuts_it(injury: Injury, is_explained: bool) -> None:
    assert (unexplained(tracebacks("worker-n1", ONE), [injury]) == []) is is_explained


def test_a_wrong_key_is_explained_by_nothing() -> None:
    lines = [line.replace(LOST, "KeyError: 'id'") for line in ONE]
    everything = [crash(harm, 0.0, "n1") for harm in Harm]
    assert len(unexplained(tracebacks("worker-n1", lines), everything)) == 1


def test_a_full_disk_explains_that_there_is_no_room_and_no_other_error_of_the_system() -> None:
    full = crash(Harm.DISK_FULL, 0.0, "n1")
    no_room = [line.replace(LOST, "OSError: [Errno 28] No space left on device") for line in ONE]
    other = [line.replace(LOST, "OSError: [Errno 13] Permission denied") for line in ONE]
    assert unexplained(tracebacks("worker-n1", no_room), [full]) == []
    assert len(unexplained(tracebacks("worker-n1", other), [full])) == 1
    assert len(unexplained(tracebacks("worker-n2", no_room), [full])) == 1
