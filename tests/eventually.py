"""Wait for a condition instead of sleeping: the one way in which a test waits."""

import inspect
import select
import time
from collections.abc import Callable
from typing import TypeVar

import pytest

Value = TypeVar("Value")


def eventually(
    condition: Callable[[], Value],
    within: float = 10.0,
    every: float = 0.02,
    what: str | Callable[[], str] = "",
) -> Value:
    """Ask until the answer is truthy and return it; fail with the last answer after `within` seconds.

    `what` names the condition; a function is asked only then, for what there is to see by that time.
    """
    deadline = time.monotonic() + within
    while not (value := condition()):
        if time.monotonic() > deadline:
            named = what() if callable(what) else what
            pytest.fail(
                f"{named or _words(condition)} did not come true within {within:g} s; last: {value!r}"
            )
        select.select([], [], [], every)
    return value


def _words(condition: Callable[[], object]) -> str:
    """The condition as it was written, for the person who reads the failure."""
    try:
        return " ".join(inspect.getsource(condition).split())
    except (OSError, TypeError):
        return getattr(condition, "__name__", repr(condition))
