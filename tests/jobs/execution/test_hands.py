"""Who has an attempt in hand, and who waits for its end."""

import os
import signal
import subprocess
from collections.abc import Iterator

import pytest

from jobs.execution.hands import Hands, Observers, Pair
from jobs.execution.watch import Watch
from tests.eventually import eventually
from tests.jobs.execution import running


def test_an_attempt_is_in_one_hand_at_a_time() -> None:
    hands = Hands(patience=60)
    with hands.taking((1, 1)) as first, hands.taking((1, 1)) as second, hands.taking((1, 2)) as other:
        assert (first, second, other) == (True, False, True)
        assert hands.hold((1, 1))
    assert not hands.hold((1, 1))


def test_the_second_hand_does_not_let_go_of_the_firsts(monkeypatch: pytest.MonkeyPatch) -> None:
    hands = Hands(patience=60)
    with hands.taking((1, 1)):
        with hands.taking((1, 1)):
            pass
        assert hands.hold((1, 1))


def test_a_thread_that_hangs_does_not_hide_its_attempt_for_ever() -> None:
    hands = Hands(patience=0)
    with hands.taking((1, 1)):
        assert not hands.hold((1, 1))


def test_an_observer_is_told_of_its_own_attempts_end() -> None:
    observers = Observers()
    with observers.watching((1, 1)) as ended, observers.watching((2, 1)) as other:
        observers.tell((1, 1))
        observers.tell((3, 1))
        assert (ended.is_set(), other.is_set()) == (True, False)
        assert set(observers.pairs()) == {(1, 1), (2, 1)}
    assert not observers.pairs()


def test_observers_are_let_go_when_the_worker_leaves_and_nobody_waits_after_that() -> None:
    observers = Observers()
    with observers.watching((1, 1)) as ended:
        observers.let_go()
        assert ended.is_set()
    assert observers.leaving
    with observers.watching((2, 1)) as late:
        assert late.is_set()


@pytest.fixture
def ends() -> list[Pair]:
    return []


@pytest.fixture
def watch(ends: list[Pair]) -> Iterator[Watch]:
    made = Watch(ends.extend)
    made.start()
    yield made
    made.stop()


def sleeper() -> "subprocess.Popen[bytes]":
    return subprocess.Popen(["sleep", "600"])


def test_the_end_of_a_process_is_noticed_once(watch: Watch, ends: list[Pair]) -> None:
    with sleeper() as first, sleeper() as second:
        watch.add((1, 1), os.pidfd_open(first.pid))
        watch.add((2, 1), os.pidfd_open(second.pid))
        assert watch.watches((1, 1))
        first.send_signal(signal.SIGKILL)
        eventually(lambda: ends == [(1, 1)], within=running.LONG)
        assert not watch.watches((1, 1))
        assert watch.watches((2, 1))
        second.kill()
        eventually(lambda: ends == [(1, 1), (2, 1)], within=running.LONG)


def test_a_pair_is_watched_once_and_the_second_descriptor_is_closed(watch: Watch, ends: list[Pair]) -> None:
    with sleeper() as process:
        again = os.pidfd_open(process.pid)
        watch.add((1, 1), os.pidfd_open(process.pid))
        watch.add((1, 1), again)
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(again)
        process.kill()
        eventually(lambda: ends == [(1, 1)], within=running.LONG)


def test_a_process_that_has_ended_before_it_is_watched_is_noticed(watch: Watch, ends: list[Pair]) -> None:
    with sleeper() as process:
        pidfd = os.pidfd_open(process.pid)
        process.kill()
        process.wait()
        watch.add((1, 1), pidfd)
        eventually(lambda: ends == [(1, 1)], within=running.LONG)
