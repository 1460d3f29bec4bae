"""A small bound of the exhaustive model; `make model` explores the full one."""

import pytest

from jobs.execution.verdict import Verdict
from tests.model.configurations import CONFIGURATIONS
from tests.model.explorer import explore
from tests.model.mutants import MUTANTS, Mutant
from tests.model.setup import Setup
from tests.model.steps import deciding

QUICK = frozenset(
    """
    no_t4 t4_wants_dispatched_at no_t4b deaf_gets_jobs claim_no_attempt pipe_before_link no_ticket
    no_tombstone in_hand_swept t9_over_stopping t11_cancelled release_outside exit_json_not_reread row_order
    t17_before_exit_json marker_unknown adopt_no_cancel t19_no_down t21_no_fence t21_no_reconcile
    t20_ignores_cancel strays_of_this_spool t2_ignores_hold no_timeout
    timeout_kills_nothing forged_is_believed
    """.split()  # noqa: SIM905 - a list of so many words is read more easily without quotes
)
SOME = [one for one in MUTANTS if one.broken in QUICK]
WORLDS = list(dict.fromkeys(one.setup for one in SOME if not one.setup.requeue and one.setup.faults < 2))
"""Those of two faults, and of jobs that may run again, are too large to be explored here to their end."""


def test_every_interleaving_with_one_fault_keeps_the_promise() -> None:
    finding = explore(CONFIGURATIONS["A1"][1])
    assert (finding.verdict, finding.worlds > 40_000) == ("OK", True), finding.trace


def test_two_schedulers_in_every_interleaving_give_a_place_away_once() -> None:
    both = Setup.of(jobs=2, faults=1, kinds="leader", schedulers=True, people="", attempts=1)
    assert explore(both).verdict == "OK"


@pytest.mark.parametrize("mutant", SOME, ids=lambda mutant: mutant.broken)
def test_a_clause_left_out_is_found(mutant: Mutant) -> None:
    finding = explore(mutant.setup.broken_by(mutant.broken))
    assert finding.verdict != "OK"
    assert finding.trace


@pytest.mark.parametrize("setup", WORLDS, ids=lambda setup: " ".join(sorted(setup.kinds)) or "no fault")
def test_the_whole_protocol_keeps_the_promise_where_those_break_it(setup: Setup) -> None:
    assert explore(setup).verdict == "OK"


def test_the_agents_table_is_the_products_own() -> None:
    assert set(deciding.TABLE.values()) == set(Verdict)
