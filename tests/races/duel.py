"""Two who want the same thing at the same moment, each on a connection of its own."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from django.db import connection, transaction

from tests.eventually import eventually

ROUNDS = 20
Act = Callable[[], Any]


def at_once(*acts: Act) -> list[Any]:
    """What each answered; all began at the same moment."""
    barrier = threading.Barrier(len(acts))

    def begin(act: Act) -> Any:
        barrier.wait()
        return act()

    with ThreadPoolExecutor(len(acts)) as pool:
        return [future.result() for future in [pool.submit(_alone, begin, act) for act in acts]]


def behind(first: Act, second: Act) -> list[Any]:
    """What both answered; the second waited for a lock of the first, or was done, when that one committed."""
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            answer = first()
            later = pool.submit(_alone, lambda act: act(), second)
            eventually(
                lambda: later.done() or somebody_waits(), what="the second one at the first one's lock"
            )
        return [answer, later.result()]


def every_way(make: Callable[[], tuple[Act, Act]]) -> Iterator[list[Any]]:
    """Pairs of acts, many rounds at once, then each behind the other; their answers in the same order."""
    for _ in range(ROUNDS):
        yield at_once(*make())
    yield behind(*make())
    first, second = make()
    yield behind(second, first)[::-1]


@contextmanager
def opponent() -> Iterator[Executor]:
    """A thread with a connection of its own for many rounds; a new one for each costs more than the race."""
    with ThreadPoolExecutor(1) as pool:
        try:
            yield pool
        finally:
            pool.submit(lambda: connection.close()).result()


def hold_before(first: Act, second: Act, other: Executor) -> tuple[Any, Any]:
    """What both answered. The first had written and not yet committed when the second one came."""
    with transaction.atomic():
        answer = first()
        later = other.submit(second)
        eventually(lambda: later.done() or somebody_waits(), every=0.001, what="the second one's arrival")
    return answer, later.result()


def come_after(first: Act, second: Act, other: Executor) -> tuple[Any, Any]:
    """What both answered. The first had committed when the second one came, with what it had read before."""
    return first(), other.submit(second).result()


def let_run(first: Act, second: Act, other: Executor) -> tuple[Any, Any]:
    """What both answered. They began at the same moment, each in transactions of its own."""
    barrier = threading.Barrier(2)

    def begin() -> Any:
        barrier.wait()
        return second()

    later = other.submit(begin)
    barrier.wait()
    return first(), later.result()


@contextmanager
def elsewhere(act: Act) -> Iterator["Future[Any]"]:
    """An act that goes on in a thread of its own, on a connection of its own."""
    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(_alone, lambda one: one(), act)


def _alone(begin: Callable[[Act], Any], act: Act) -> Any:
    try:
        return begin(act)
    finally:
        connection.close()


def somebody_waits() -> bool:
    """A session waits for a lock that another one holds."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_locks WHERE NOT granted")
        return cursor.fetchone() is not None
