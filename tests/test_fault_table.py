"""Every fault of the list has a test or a reason, and the table that people read says the same."""

from pathlib import Path

import pytest

from tests import fault_table
from tests.faults import ELSEWHERE, FAULTS, IMPOSSIBLE, PENDING

MOST_PENDING = 0
"""Lower it whenever a fault is shown; never raise it."""


def test_every_fault_has_a_test_or_says_why_it_has_none() -> None:
    found = fault_table.claims()
    assert [number for number in FAULTS if not (found.get(number) or number in {*IMPOSSIBLE, *PENDING})] == []


def test_no_fault_that_a_test_causes_is_called_impossible() -> None:
    assert set(IMPOSSIBLE).isdisjoint(fault_table.claims())
    assert set(IMPOSSIBLE).isdisjoint(PENDING)


def test_every_claim_and_every_reason_is_about_a_fault_of_the_list() -> None:
    assert set(fault_table.claims()) <= {*FAULTS, *ELSEWHERE}
    assert {*IMPOSSIBLE, *PENDING} <= set(FAULTS)


def test_what_is_not_shown_yet_gets_less() -> None:
    assert len(PENDING) <= MOST_PENDING


def test_the_table_is_as_the_tests_are() -> None:
    assert fault_table.TABLE.read_text() == fault_table.table(fault_table.claims()), "run `make faults`"


@pytest.mark.parametrize(
    ("source", "faults"),
    [
        ("def test_f38_f53_a_fault(): ...", {38, 53}),
        ('def test_a_fault():\n    """F38, F53: it happens."""', {38, 53}),
        ('def test_f38_a_fault():\n    """F53: it happens."""', {38, 53}),
        ('class Some:\n    async def test_a_fault(self):\n        """F38: it happens."""', {38}),
        ('def test_a_fault():\n    """It is not F38: another one."""', set()),
        ("def test_form_f38(): ...", set()),
        ("def make_f38_happen(): ...", set()),
    ],
)
def test_a_test_claims_a_fault_by_its_name_or_its_first_words(
    tmp_path: Path, source: str, faults: set[int]
) -> None:
    (tmp_path / "test_some.py").write_text(source)
    assert set(fault_table.claims(tmp_path)) == faults
