"""The model's transitions are the doors of jobs.lifecycle, and the other way round."""

import re
from functools import cache

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
TRANSITION = re.compile(r"(?:(T\d+b?) )?(\w+)")
UNNUMBERED = frozenset({"hold", "release"})
"""Not each door has a number in the state machine."""


@cache
def taken() -> frozenset[tuple[str, str]]:
    """Number and door of the transitions that small worlds go through."""
    small = (
        Setup.of(faults=1, kinds="worker wrapper reboot partition", people="cancel expire"),
        Setup.of(faults=1, kinds="flush", people="hold"),
        Setup.of(faults=1, kinds="partition", people="", requeue=True),
    )
    kinds = {kind for setup in small for kind in explore(setup).taken}
    found = [TRANSITION.fullmatch(kind) for kind in kinds]
    pairs = {(one[1] or "", one[2]) for one in found if one}
    return frozenset(
        (number, door)
        for number, door in pairs
        if door in UNNUMBERED or (number and number not in ("T8", "T21"))
    )


def doors() -> set[str]:
    """The verbs of the lifecycle."""
    return {name for name in lifecycle.__all__ if name[0].islower()}


def test_every_transition_of_the_model_is_a_door_of_the_lifecycle() -> None:
    assert {door for _, door in taken()} - doors() == set()


def test_every_door_of_the_lifecycle_is_a_transition_of_the_model() -> None:
    assert doors() - {door for _, door in taken()} == set(TELLING) | set(OUTSIDE)


@pytest.mark.parametrize("door", sorted(doors() - UNNUMBERED - set(TELLING) - set(OUTSIDE)))
def test_a_door_has_the_numbers_by_which_the_model_knows_it(door: str) -> None:
    numbers = {number for number, through in taken() if through == door}
    assert numbers
    assert numbers <= set(re.findall(r"T\d+b?", getattr(lifecycle, door).__doc__))
