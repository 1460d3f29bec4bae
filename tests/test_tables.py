"""What the design promises row by row, and the test that shows each row: by name, and the name must exist.

The rows of the agent's table are those of `jobs.execution.verdict`; what each of them decides is tested there
for everything that can be seen (tests/jobs/execution/test_verdict.py). Here is where it is seen to be so.
"""

import re
from pathlib import Path
from typing import Final

import pytest

from jobs.execution.verdict import Verdict

ROOT = Path(__file__).resolve().parent.parent
ORPHAN: Final = "recovery/test_orphan.py::"
LOST: Final = "recovery/test_lost_nodes.py::"
BACK: Final = "jobs/execution/test_reconciliation.py::"
LIMIT: Final = "acceptance/test_limit.py::"

TRANSITIONS: Final[dict[str, tuple[str, ...]]] = {
    "T1 a request becomes a job, once for each key": (
        "acceptance/test_faults.py::test_one_key_sent_50_times_at_once_is_one_job",
    ),
    "T2 QUEUED to PLACED": (
        "scheduler/test_cycle.py::test_a_waiting_job_is_placed_and_its_node_is_told_once",
        "acceptance/test_faults.py::test_a_scheduler_that_is_stopped_in_its_pass_and_wakes_after_its_lease_"
        "places_nothing",
    ),
    "T3 its node is told": (
        "acceptance/test_faults.py::test_a_job_submitted_while_the_broker_is_stopped_says_so_and_runs_when_it_"
        "is_back",
    ),
    "T4 its node is told again": (
        "acceptance/test_recovery.py::test_a_pending_row_and_an_empty_broker_is_recovered_and_runs_once",
    ),
    "T4b PLACED to QUEUED": (
        "scheduler/test_cycle.py::test_a_node_that_does_not_answer_or_does_not_hear_gets_no_job_and_gives_"
        "placed_ones_back",
        "scheduler/test_cycle.py::test_a_drained_node_gives_its_placed_jobs_back",
    ),
    "T5 PENDING to CANCELLED": (
        LIMIT + "test_a_waiting_job_is_cancelled_at_once_and_never_starts",
        LIMIT + "test_a_placed_job_is_cancelled_at_once_and_never_starts",
    ),
    "T6 PENDING to FAILED, Expired": (
        "recovery/test_pending.py::test_a_job_that_waited_for_longer_than_its_partition_allows_expires",
    ),
    "T7 PLACED to STARTING": (
        "acceptance/test_messages.py::test_with_every_message_five_times_more_every_job_starts_exactly_once",
    ),
    "T8 directory, launch, ticket": (
        "acceptance/test_kill.py::test_a_worker_killed_again_and_again_while_it_launches_loses_no_job_and_"
        "starts_none_twice",
    ),
    "T9 STARTING to ACTIVE": (ORPHAN + "test_a_start_that_nobody_recorded_is_recorded_from_the_ticket",),
    "T10 RUNNING to COMPLETED or FAILED": (
        ORPHAN + "test_an_end_that_nobody_saw_is_recorded_exactly_and_once",
        "acceptance/test_exit.py::test_f58_exit_codes_are_recorded_exactly",
    ),
    "T11 RUNNING to STOPPING": (LIMIT + "test_a_job_that_is_cancelled_while_it_starts_is_told_in_time",),
    "T12 RUNNING to CANCELLED": (
        LIMIT + "test_a_job_that_does_not_hear_term_is_killed_when_it_is_cancelled",
    ),
    "T13 RUNNING to FAILED, TimeLimit": (
        LIMIT + "test_a_job_that_does_not_hear_term_is_killed_at_its_limit",
    ),
    "T16 RUNNING to QUEUED, never started": (
        ORPHAN + "test_a_claimed_job_that_never_started_goes_back_and_never_will_start",
    ),
    "T17 RUNNING to FAILED, SupervisorLost": (
        ORPHAN + "test_a_job_whose_wrapper_and_process_are_gone_is_lost",
        "acceptance/test_kill.py::test_f40_kill_9_of_a_wrapper_and_its_job_is_seen_and_frees_what_they_held",
    ),
    "T18 RUNNING to FAILED, the machine was restarted": (
        "recovery/test_reboot.py::test_f62_a_restarted_node_settles_its_jobs_at_once",
    ),
    "T19 RUNNING to FAILED, the node is lost": (
        LOST + "test_a_job_whose_node_an_operator_calls_down_fails_and_the_node_is_out_of_service",
        LOST + "test_a_job_whose_limit_is_long_over_on_a_silent_node_fails",
        "acceptance/test_split.py::test_f64_of_a_node_that_was_suspended_while_others_acted_no_job_starts_"
        "twice",
    ),
    "T20 RUNNING to QUEUED, to run again": (
        LOST + "test_a_job_that_may_run_again_is_requeued_once_its_node_was_silent_for_long",
        ORPHAN + "test_a_run_that_fenced_itself_is_requeued_if_its_owner_allows_it",
        "acceptance/test_split.py::test_f65_of_a_node_that_is_cut_off_the_first_run_is_over_before_the_"
        "second_starts",
    ),
    "T21 DOWN to RECONCILING to UP": (
        BACK + "test_f65_a_node_that_comes_back_kills_what_it_still_ran_before_it_is_up",
        BACK + "test_an_attempt_that_was_given_up_before_it_had_a_ticket_never_starts",
        BACK + "test_what_an_operator_wants_of_a_node_stays",
    ),
    "T22 a final job is run again as a new one": (
        "jobs/test_submission.py::test_a_job_that_has_ended_runs_again_as_it_was",
    ),
}
MISSING: Final = {14, 15}
"""A lease that runs out and comes back: facts of the node, no transition of a job."""

DECISIONS: Final[dict[str, tuple[Verdict, tuple[str, ...]]]] = {
    "another spool, or a ticket that is gone; it lives": (
        Verdict.ADOPT,
        (
            ORPHAN + "test_a_job_of_another_spool_is_adopted_while_it_lives_and_lost_when_it_does_not",
            ORPHAN + "test_a_job_whose_directory_is_gone_lives_on_and_can_still_be_cancelled",
        ),
    ),
    "another spool, or a ticket that is gone; nothing lives; the same boot": (
        Verdict.SUPERVISOR_LOST,
        (
            ORPHAN + "test_a_job_of_another_spool_is_adopted_while_it_lives_and_lost_when_it_does_not",
            ORPHAN + "test_a_start_that_only_an_adopted_jobs_ticket_tells_of_is_never_forgotten",
        ),
    ),
    "another spool, or a ticket that is gone; another boot": (
        Verdict.NODE_FAIL,
        (ORPHAN + "test_a_job_of_another_spool_and_another_boot_is_failed",),
    ),
    "no ticket, and no identity in the row": (
        Verdict.FENCE,
        (ORPHAN + "test_a_claimed_job_that_never_started_goes_back_and_never_will_start",),
    ),
    "no ticket; the wrapper links it first": (
        Verdict.FENCE,
        (ORPHAN + "test_a_wrapper_that_links_its_ticket_first_keeps_its_job",),
    ),
    "the tombstone": (
        Verdict.FINISH_FENCE,
        (ORPHAN + "test_a_return_that_was_interrupted_is_finished",),
    ),
    "a wrapper's ticket, exit.json, and nothing of the job lives": (
        Verdict.RECORD,
        (
            ORPHAN + "test_an_end_that_nobody_saw_is_recorded_exactly_and_once",
            ORPHAN + "test_a_run_that_fenced_itself_is_requeued_if_its_owner_allows_it",
        ),
    ),
    "a wrapper's ticket, exit.json of the job's own making": (
        Verdict.ADOPT,
        (ORPHAN + "test_an_end_of_the_jobs_own_making_counts_for_nothing_while_it_lives",),
    ),
    "a wrapper's ticket, and the wrapper lives": (
        Verdict.HEALTHY,
        (
            ORPHAN + "test_a_job_that_runs_as_it_should_is_left_alone",
            ORPHAN + "test_a_stopping_job_is_asked_at_every_sweep_and_ended_by_its_own_wrapper",
        ),
    ),
    "a wrapper's ticket, the wrapper is dead and the job lives": (
        Verdict.ADOPT,
        (
            ORPHAN + "test_a_job_that_has_lost_its_wrapper_lives_on_until_its_own_end",
            ORPHAN + "test_a_job_without_its_wrapper_can_still_be_cancelled",
            ORPHAN + "test_a_job_without_its_wrapper_ends_at_its_limit",
        ),
    ),
    "a wrapper's ticket, and neither lives": (
        Verdict.SUPERVISOR_LOST,
        (ORPHAN + "test_a_job_whose_wrapper_and_process_are_gone_is_lost",),
    ),
    "a wrapper's ticket, another boot": (
        Verdict.NODE_FAIL,
        (ORPHAN + "test_after_a_restart_of_the_machine_what_ran_is_failed_and_what_had_ended_is_recorded",),
    ),
}
AROUND: Final[dict[str, tuple[str, ...]]] = {
    "a pair in hand is skipped": (ORPHAN + "test_a_job_in_a_worker_threads_hand_is_left_to_it",),
    "a stray is killed": ("jobs/execution/test_strays.py::test_what_an_ended_job_left_is_killed_and_told",),
    "a late result is an event": (
        BACK + "test_f66_a_result_that_comes_too_late_is_told_once_and_changes_nothing",
    ),
    "a requeue pair without a ticket is fenced after a silence": (
        "jobs/execution/test_renewals.py::test_after_a_long_silence_what_may_run_again_and_has_no_ticket_"
        "never_starts",
    ),
}

SHOWN = [
    *TRANSITIONS.items(),
    *((row, tests) for row, (_, tests) in DECISIONS.items()),
    *AROUND.items(),
]


def exists(test: str) -> bool:
    """A test of this name is in this file."""
    path, _, name = test.partition("::")
    file = ROOT / "tests" / path
    return (
        file.is_file() and re.search(rf"^def {re.escape(name)}\(", file.read_text(), re.MULTILINE) is not None
    )


@pytest.mark.parametrize(("row", "tests"), SHOWN, ids=[row for row, _ in SHOWN])
def test_each_row_has_its_test(row: str, tests: tuple[str, ...]) -> None:
    assert [test for test in tests if not exists(test)] == []
    assert tests


def test_no_transition_is_left_out() -> None:
    numbers = [row.partition(" ")[0] for row in TRANSITIONS]
    every = [f"T{number}" for number in range(1, 23) if number not in MISSING]
    assert sorted(numbers) == sorted([*every, "T4b"])


def test_no_verdict_is_left_out() -> None:
    assert {verdict for verdict, _ in DECISIONS.values()} == set(Verdict)


def test_a_test_that_does_not_exist_would_be_seen() -> None:
    assert exists(ORPHAN + "test_a_job_that_runs_as_it_should_is_left_alone")
    assert not exists(ORPHAN + "test_a_job_that_runs_as_it_should")
    assert not exists("recovery/test_nothing.py::test_a_job_that_runs_as_it_should_is_left_alone")
