"""When a node is swept: at once when somebody asks, by its own timer, and never twice for the same wish."""

from datetime import timedelta
from threading import Thread

from jobs.execution.sweeps import TIMER, Sweeps, Wish
from tests.eventually import eventually

NEVER = timedelta(hours=1)
OPERATOR, REHEARSAL = Wish("operator"), Wish("operator", dry_run=True)


def done(sweeps: Sweeps, swept: list[Wish], times: int) -> list[Wish]:
    """What is swept in this many turns."""
    for _ in range(times):
        assert sweeps.one()
    return swept


def test_what_is_asked_twice_before_its_turn_is_done_once() -> None:
    swept: list[Wish] = []
    sweeps = Sweeps(swept.append, NEVER)
    for wish in (OPERATOR, REHEARSAL, OPERATOR, REHEARSAL, TIMER):
        sweeps.ask(wish)
    assert done(sweeps, swept, 3) == [OPERATOR, REHEARSAL, TIMER]


def test_a_node_is_swept_by_its_own_timer() -> None:
    swept: list[Wish] = []
    assert done(Sweeps(swept.append, timedelta(milliseconds=10)), swept, 2) == [TIMER, TIMER]


def test_rehearsals_do_not_take_the_timers_place() -> None:
    swept: list[Wish] = []
    sweeps = Sweeps(swept.append, timedelta())
    sweeps.ask(REHEARSAL)
    assert done(sweeps, swept, 1) == [TIMER]


def test_a_node_is_swept_at_the_start_and_no_more_after_the_end() -> None:
    swept: list[Wish] = []
    sweeps = Sweeps(swept.append, NEVER)
    thread = Thread(target=sweeps.run)
    thread.start()
    eventually(lambda: swept == [TIMER])
    sweeps.stop()
    thread.join(timeout=10)
    assert not thread.is_alive()
