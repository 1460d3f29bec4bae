"""Every row of the agent's table, and that the first one that fits decides."""

from itertools import product
from typing import Any

import pytest

from jobs.execution.verdict import Evidence, TicketKind, Verdict, decide

NONE, TOMBSTONE, WRAPPER = TicketKind.NONE, TicketKind.TOMBSTONE, TicketKind.WRAPPER
ANY = (False, True)


def evidence(**changes: Any) -> Evidence:
    """A wrapper and its job live, as they should."""
    plain: dict[str, Any] = {
        "same_spool": True,
        "same_boot": True,
        "identity_in_row": True,
        "ticket": WRAPPER,
        "has_outcome": False,
        "wrapper_alive": True,
        "process_alive": True,
    }
    return Evidence(**{**plain, **changes})


def every(**fixed: Any) -> list[Evidence]:
    """All that can be seen with these facts fixed."""
    open_facts: dict[str, Any] = {
        "same_spool": ANY,
        "same_boot": ANY,
        "identity_in_row": ANY,
        "ticket": tuple(TicketKind),
        "has_outcome": ANY,
        "wrapper_alive": ANY,
        "process_alive": ANY,
    }
    names = [name for name in open_facts if name not in fixed]
    choices = product(*(open_facts[name] for name in names))
    return [Evidence(**{**fixed, **dict(zip(names, choice, strict=True))}) for choice in choices]


OTHER_SPOOL: dict[str, Any] = {"same_spool": False}
TICKET_GONE: dict[str, Any] = {"same_spool": True, "ticket": NONE, "identity_in_row": True}
HERE: dict[str, Any] = {"same_spool": True}
FORGED: dict[str, Any] = {**HERE, "ticket": WRAPPER, "has_outcome": True, "process_alive": True}
"""A wrapper writes exit.json when its tree is empty: this one is of the job's own making."""

TABLE: list[tuple[dict[str, Any], Verdict]] = [
    ({**OTHER_SPOOL, "same_boot": True, "process_alive": True}, Verdict.ADOPT),
    ({**OTHER_SPOOL, "same_boot": True, "process_alive": False, "wrapper_alive": True}, Verdict.ADOPT),
    (
        {**OTHER_SPOOL, "same_boot": True, "process_alive": False, "wrapper_alive": False},
        Verdict.SUPERVISOR_LOST,
    ),
    ({**OTHER_SPOOL, "same_boot": False}, Verdict.NODE_FAIL),
    ({**TICKET_GONE, "same_boot": True, "process_alive": True}, Verdict.ADOPT),
    (
        {**TICKET_GONE, "same_boot": True, "process_alive": False, "wrapper_alive": False},
        Verdict.SUPERVISOR_LOST,
    ),
    ({**TICKET_GONE, "same_boot": False}, Verdict.NODE_FAIL),
    ({**HERE, "ticket": NONE, "identity_in_row": False}, Verdict.FENCE),
    ({**HERE, "ticket": TOMBSTONE}, Verdict.FINISH_FENCE),
    ({**HERE, "ticket": WRAPPER, "has_outcome": True, "process_alive": False}, Verdict.RECORD),
    ({**HERE, "ticket": WRAPPER, "has_outcome": False, "same_boot": False}, Verdict.NODE_FAIL),
    ({**FORGED, "same_boot": False}, Verdict.NODE_FAIL),
    ({**FORGED, "same_boot": True, "wrapper_alive": True}, Verdict.HEALTHY),
    ({**FORGED, "same_boot": True, "wrapper_alive": False}, Verdict.ADOPT),
    (
        {**HERE, "ticket": WRAPPER, "has_outcome": False, "same_boot": True, "wrapper_alive": True},
        Verdict.HEALTHY,
    ),
    (
        {
            **HERE,
            "ticket": WRAPPER,
            "has_outcome": False,
            "same_boot": True,
            "wrapper_alive": False,
            "process_alive": True,
        },
        Verdict.ADOPT,
    ),
    (
        {
            **HERE,
            "ticket": WRAPPER,
            "has_outcome": False,
            "same_boot": True,
            "wrapper_alive": False,
            "process_alive": False,
        },
        Verdict.SUPERVISOR_LOST,
    ),
]


@pytest.mark.parametrize(("facts", "verdict"), TABLE)
def test_each_row_of_the_table_decides_whatever_else_is_seen(facts: dict[str, Any], verdict: Verdict) -> None:
    assert {decide(seen) for seen in every(**facts)} == {verdict}


def test_the_rows_decide_everything_that_can_be_seen() -> None:
    decided = {seen for facts, _ in TABLE for seen in every(**facts)}
    living_wrapper_alone = every(**TICKET_GONE, same_boot=True, process_alive=False, wrapper_alive=True)
    assert decided | set(living_wrapper_alone) == set(every())
    assert {decide(seen) for seen in living_wrapper_alone} == {Verdict.ADOPT}


def test_nothing_that_lives_on_this_boot_is_called_gone() -> None:
    living = every(same_boot=True, wrapper_alive=True) + every(same_boot=True, process_alive=True)
    lost = {Verdict.SUPERVISOR_LOST, Verdict.NODE_FAIL}
    assert [seen for seen in living if decide(seen) in lost] == []


def test_no_attempt_with_a_wrappers_ticket_is_called_unstarted() -> None:
    unstarted = {Verdict.FENCE, Verdict.FINISH_FENCE}
    assert [seen for seen in every(ticket=WRAPPER) if decide(seen) in unstarted] == []


def test_what_lives_as_it_should_is_left_alone() -> None:
    assert decide(evidence()) is Verdict.HEALTHY
