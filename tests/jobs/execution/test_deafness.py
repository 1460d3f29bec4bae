"""A worker that takes no messages though some wait for it is seen, and nobody else is taken for deaf."""

import subprocess
import sys
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest

from jobs import lifecycle, messages
from jobs.execution import leaving
from jobs.execution.broker_ping import BrokerPing
from jobs.execution.deafness import Deafness
from tests import making
from tests.eventually import eventually
from tests.session import ROOT

pytestmark = pytest.mark.django_db

EVERY_TEN_SECONDS = range(0, 130, 10)


@pytest.fixture
def told(broker: Any) -> None:
    """A job is placed on n1, and its message lies in the real broker."""
    lifecycle.dispatch(making.placed(), actor="scheduler")


@pytest.fixture
def deafness() -> Deafness:
    return with_waiting(1)


def with_waiting(number: int) -> Deafness:
    """It counts so many messages in its node's queue."""
    a_minute, step = timedelta(seconds=60), timedelta(seconds=20)
    return Deafness("n1", waiting=lambda: number, patience=a_minute, step=step)


def first_deaf(deafness: Deafness, moments: Iterable[float]) -> float | None:
    """When it is first said to be deaf. None: never."""
    return next((moment for moment in moments if deafness.look(moment)), None)


def test_a_worker_that_hears_nothing_for_a_minute_while_it_is_owed_work_is_deaf(
    told: None, deafness: Deafness
) -> None:
    assert first_deaf(deafness, EVERY_TEN_SECONDS) == 60


def test_one_that_hears_something_now_and_then_is_not_deaf(told: None, deafness: Deafness) -> None:
    for moment in EVERY_TEN_SECONDS:
        if moment % 50 == 0:
            deafness.heard()
        assert not deafness.look(moment)


def test_one_that_is_owed_nothing_is_not_deaf(deafness: Deafness) -> None:
    assert first_deaf(deafness, EVERY_TEN_SECONDS) is None


def test_one_whose_messages_are_lost_is_not_deaf(told: None) -> None:
    assert first_deaf(with_waiting(0), EVERY_TEN_SECONDS) is None


def test_one_that_was_frozen_was_not_deaf_all_that_time(told: None, deafness: Deafness) -> None:
    assert first_deaf(deafness, [0, 3600, 3610]) is None


def test_the_ping_counts_what_waits_in_the_nodes_queue(told: None) -> None:
    ping = BrokerPing(timedelta(seconds=1), messages.node_queue("n1").name)
    assert ping.waiting() == 0
    ping.start()
    try:
        eventually(lambda: ping.waiting() == 1)
    finally:
        ping.stop()


def test_a_worker_whose_loop_hangs_ends_all_the_same() -> None:
    """F17: it hears no signal."""
    code = (
        "import signal; from jobs.execution.leaving import leave; "
        "signal.signal(signal.SIGTERM, signal.SIG_IGN); leave('it hangs', patience=0.2); signal.pause()"
    )
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, timeout=60, check=False)
    assert ended.returncode == leaving.FORCED
