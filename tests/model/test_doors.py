"""The model's transitions are the doors of jobs.lifecycle, and the other way round."""

import re
from functools import cache
from importlib import import_module
from inspect import isfunction
from pkgutil import iter_modules

import pytest

from jobs import lifecycle
from tests.model.explorer import explore
from tests.model.setup import Setup

TELLING = {
    "await_broker": "says why a placed job waits",
    "explain_all": "says why jobs wait",
    "explain_partition": "says why jobs wait",
    "note": "tells of something that changed nothing",
    "remark": "says what there is to know of a running job",
}
"""They move nothing."""
OUTSIDE = {
    "submit": "T1 comes before the model's first world",
    "finish_all": "`finish` of several in one transaction",
    "forget": "what has ended long ago is in no world any more",
    "mend_allocation": "no transition leaves anything for it: that is I4 and I5",
}
"""Doors that the model does not go through, and why."""
WITHIN = {"change", "end", "free", "give_back", "record", "stay"}
"""What the doors are made of: nobody outside the lifecycle calls it."""
BROKEN_OFF = frozenset({"T3 dies before its write", "T3 dies after its write"})
"""Faults within `dispatch`."""
UNNUMBERED = frozenset({"hold", "release"})
"""Not each door has a number in the state machine."""
SAME_STEP = {"T12": "T10", "T13": "T10"}
"""The model's agent records an end in one step, whatever that end is."""
TRANSITION = re.compile(r"(?:(T\d+b?) )?(\w+)")
NUMBER = re.compile(r"T\d+b?")


@cache
def moves() -> frozenset[str]:
    """The steps of small worlds that change a job's row."""
    small = (
        Setup.of(faults=1, kinds="worker wrapper reboot partition stop", people="cancel expire"),
        Setup.of(faults=1, kinds="flush publisher commit", people="hold"),
        Setup.of(faults=1, kinds="partition", people="", requeue=True),
    )
    return frozenset(kind for setup in small for kind in explore(setup).moves) - BROKEN_OFF


def transition(step: str) -> tuple[str, str]:
    """Its number, and the door that it goes through."""
    found = TRANSITION.fullmatch(step)
    assert found, f"{step} changes a job's row, and is called after no door"
    return found[1] or "", found[2]


def taken() -> set[tuple[str, str]]:
    """Number and door of each."""
    return {transition(step) for step in moves()}


def doors() -> set[str]:
    """The verbs of the lifecycle."""
    return {name for name in lifecycle.__all__ if name[0].islower()}


def numbers_of(door: str) -> set[str]:
    """Those that it bears in the lifecycle."""
    return set(NUMBER.findall(getattr(lifecycle, door).__doc__))


def test_every_step_of_the_model_that_changes_a_row_goes_through_a_door_of_the_lifecycle() -> None:
    assert {door for _, door in taken()} - doors() == set()


def test_every_door_of_the_lifecycle_is_a_transition_of_the_model() -> None:
    assert doors() - {door for _, door in taken()} == set(TELLING) | set(OUTSIDE)


def test_every_function_of_the_lifecycle_that_others_may_call_is_one_of_its_doors() -> None:
    modules = [import_module(f"jobs.lifecycle.{one.name}") for one in iter_modules(lifecycle.__path__)]
    public = {
        name
        for module in modules
        for name, value in vars(module).items()
        if isfunction(value) and value.__module__ == module.__name__ and not name.startswith("_")
    }
    assert public - doors() == WITHIN


@pytest.mark.parametrize("door", sorted(doors() - UNNUMBERED - set(TELLING) - set(OUTSIDE)))
def test_a_door_has_the_numbers_by_which_the_model_knows_it_and_no_others(door: str) -> None:
    numbers = {number for number, through in taken() if through == door}
    assert {SAME_STEP.get(number, number) for number in numbers_of(door)} == numbers
