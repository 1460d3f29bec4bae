"""The protocol with one clause left out or done wrong, each in the smallest world that shows it.

Those that are called harmless are so: something else holds, and it is named.
"""

from typing import NamedTuple

from tests.model.configurations import SCHEDULERS
from tests.model.setup import Setup


class Mutant(NamedTuple):
    """What is wrong, where it is tried, and, if it does no harm, why."""

    broken: str
    wrong: str
    setup: Setup
    harmless: str = ""


def _one(kinds: str, *, people: str = "", faults: int = 1, **rest: int) -> Setup:
    """A world for one job of the usual kind."""
    return Setup.of(faults=faults, kinds=kinds, people=people, **rest)


def _again(kinds: str = "partition", *, people: str = "", faults: int = 1, nodes: int = 2) -> Setup:
    """A world for one job that may run again elsewhere."""
    return Setup.of(faults=faults, nodes=nodes, kinds=kinds, requeue=True, people=people)


LEADERS = Setup.of(jobs=2, kinds="leader partition", schedulers=True, people="", attempts=1)
QUIET = _one("", faults=0)
ASKED = _one("", faults=0, people="cancel")

PLACING = (
    Mutant("no_t4", "nobody sends a lost message again", _one("flush")),
    Mutant("t4_wants_dispatched_at", "T4 looks only at jobs with dispatched_at", _one("publisher")),
    Mutant(
        "t4_job_only",
        "T4 looks for the job, not the attempt, in this node's queue",
        Setup.of(nodes=2, kinds="partition worker publisher duplicate"),
        "an old message is dropped by T7 in time, and then the look finds none",
    ),
    Mutant(
        "t4_job_only_all_queues",
        "T4 looks for the job, not the attempt, in every queue",
        _one("partition publisher", faults=2, nodes=2),
    ),
    Mutant(
        "t4_no_probe",
        "T4 does not look into the queue",
        _one("publisher worker", people="cancel"),
        "T7 and the ticket let one message start it; the look only saves needless ones",
    ),
    Mutant(
        "t4_no_compare",
        "T4 publishes without winning dispatch_seq",
        Setup.of(faults=1, kinds="publisher flush", sequences=True, people=""),
    ),
    Mutant("no_t4b", "a placed job waits for a node that is lost", _one("partition", nodes=2)),
    Mutant(
        "t4b_lease_only",
        "T4b asks for the lease, not for DOWN or DRAIN",
        _one("partition worker", people="drain", nodes=2),
        "such a node hears its messages still, and starts what it was given",
    ),
    Mutant(
        "reap_placed",
        "T4b at any time, whatever the lease",
        _one("duplicate worker", faults=2, people="cancel"),
        "T7 compares the attempt, so whatever was sent for the old one is dropped; only time is lost",
    ),
    Mutant("deaf_gets_jobs", "a node that does not hear the broker gets jobs", _one("deaf", nodes=2)),
    Mutant("no_term", "placing without the leader's term: limits across nodes", SCHEDULERS),
    Mutant(
        "no_term",
        "placing without the leader's term: the room of one node",
        LEADERS,
        "the node is locked, and its room is read after that",
    ),
    Mutant(
        "no_node_lock",
        "room read before the node is locked, under the term",
        LEADERS,
        "under the term one scheduler places at a time",
    ),
    Mutant("t2_ignores_hold", "T2 gives a held job a place", _one("", faults=0, people="hold")),
    Mutant("no_term no_node_lock", "neither term nor node lock", LEADERS),
)
CLAIMING = (
    Mutant("claim_no_attempt", "T7 without the attempt", _one("worker")),
    Mutant("claim_no_node", "T7 without the node: a forged message", _one("duplicate", nodes=2)),
    Mutant("claim_state_in_pending_running", "T7 takes RUNNING of the same attempt", _one("spool")),
    Mutant("claim_queued", "T7 takes QUEUED", _one("partition")),
    Mutant(
        "mkdir_exist_ok",
        "T8 goes on in a directory that exists",
        Setup.of(kinds="duplicate commit worker"),
        "claims exclude each other until it is known what became of them; and the ticket is linked once",
    ),
    Mutant(
        "mkdir_exist_ok claims_unlocked",
        "nor does the lease's lock keep claims apart",
        Setup.of(kinds="duplicate commit"),
        "the ticket is linked once",
    ),
    Mutant(
        "mkdir_exist_ok claims_unlocked no_ticket",
        "nor does the ticket count",
        _one("duplicate commit", faults=2),
    ),
    Mutant("pipe_before_link", "the pipe is opened before the link", _one("worker")),
    Mutant("no_ticket", "the wrapper starts whether or not its link won", _one("worker")),
    Mutant("child_runs_on_eof", "a child whose pipe closes unopened runs", _one("wrapper")),
    Mutant("in_hand_swept", "pairs in hand are swept too", QUIET),
    Mutant("observer_keeps_hand", "whoever waits for the end keeps the pair in hand", QUIET),
    Mutant("t9_over_stopping", "T9 makes a stopping job ACTIVE", ASKED),
)
ENDING = (
    Mutant("t5_no_release", "T5 without release", ASKED),
    Mutant("t11_cancelled", "T11 makes it CANCELLED at once", ASKED),
    Mutant("cancel_asked_once", "the wrapper is asked once, not at every sweep", ASKED),
    Mutant("release_outside", "final state and release in two transactions", QUIET),
    Mutant("finish_no_attempt", "T10 without the attempt", _again()),
    Mutant("exit_json_early", "exit.json before the tree is empty", QUIET),
    Mutant("exit0_always", "exit.json always says 0", QUIET),
    Mutant("late_result_written", "a late result is written into the row", _one("partition")),
    Mutant("no_tombstone", "T16 without the link: rescue by time", _one("worker")),
    Mutant("time_rescue", "RUNNING to QUEUED after some time", QUIET),
    Mutant("t16_no_release", "T16 without release", _one("worker")),
    Mutant("t16_ignores_cancel", "T16 requeues what somebody has cancelled", _one("worker", people="cancel")),
    Mutant("no_sweep", "the agent does not sweep", QUIET),
    Mutant("exit_json_not_reread", "exit.json is looked for before the wrapper is seen dead", QUIET),
    Mutant("t17_before_exit_json", "T17 before exit.json", _one("worker")),
    Mutant("t17_wrapper_unchecked", "T17 although the wrapper lives", QUIET),
    Mutant("t17_process_unchecked", "T17 although the process lives", _one("wrapper")),
    Mutant("t17_completed", "T17 guesses COMPLETED", _one("wrapper")),
    Mutant("row_order", "'no ticket' before 'known by its row'", _one("directory")),
    Mutant("marker_unknown", "processes are known by the row's pids alone", _one("spool")),
    Mutant("skip_spool_id", "spool_id is not compared", _one("spool")),
    Mutant("skip_boot_id", "boot id is not compared", _one("reboot worker", faults=2)),
    Mutant("adopt_no_cancel", "an adopted job hears no cancel", _one("wrapper", people="cancel")),
    Mutant("adopt_no_limit", "an adopted job's limit is nobody's", _one("wrapper")),
    Mutant("no_timeout", "nobody minds a wrapper that is stopped", _one("stop")),
    Mutant("timeout_kills_nothing", "what is overdue is recorded, and lives", _one("stop")),
    Mutant("forged_is_believed", "exit.json is believed though its job lives", _one("forge")),
    Mutant("only_wrappers_kill", "a wrapper without a spool is left alone", _one("spool", people="cancel")),
)
LOSING = (
    Mutant("starting_without_limit", "T19 asks for what T9 sets", _one("partition")),
    Mutant("t19_no_down", "T19 without DOWN", _one("partition")),
    Mutant("t19_release_only", "T19 releases, and leaves the job RUNNING", _one("partition")),
    Mutant("t20_ignores_cancel", "T20 of what somebody has cancelled", _again(people="cancel")),
    Mutant("no_self_fence", "wrappers do not fence themselves", _again()),
    Mutant(
        "t20_no_down",
        "T20 leaves the node in service",
        _again("partition worker freeze", faults=2, nodes=1),
        "nothing of it runs there by then, and what had not started is fenced before the node renews",
    ),
    Mutant("t20_lease_unread", "T20 does not read the lease again, locked", _again()),
    Mutant("child_outlives_wrapper", "it outlives its wrapper", _again("partition wrapper", faults=2)),
    Mutant(
        "renews_before_fencing",
        "a node that was silent renews before it fences",
        _again(),
        "its renewal learns that the node was given up, and late starts are refused then",
    ),
    Mutant(
        "claims_unlocked",
        "T7 without the lease's lock: between the fence and the renewal",
        _again(),
        "its renewal learns that the node was given up, and late starts are refused then",
    ),
    Mutant(
        "renewal_ignores_down",
        "a renewal does not learn that the node was given up",
        _again(),
        "late starts are fenced before the renewal, as far as the node's clock can be believed",
    ),
    Mutant("renews_before_fencing renewal_ignores_down", "neither before nor after", _again()),
    Mutant("claims_unlocked renewal_ignores_down", "neither lock nor look", _again()),
    Mutant(
        "strays_of_this_spool",
        "a lost spool's strays are nobody's",
        _one("partition spool", faults=2),
    ),
    Mutant(
        "stray_if_final",
        "a stray is what is final or of an older attempt",
        Setup.of(kinds="partition freeze worker wrapper", requeue=True),
    ),
    Mutant(
        "requeue_in_a_machine_that_stands_still",
        "a job may run again elsewhere while its machine stands still with its clocks: not promised",
        _again("pause"),
    ),
    Mutant("no_stray_kill", "strays are not killed", _one("partition wrapper", faults=2)),
    Mutant("t21_no_stray_kill", "T21 does not wait for strays", _one("partition")),
    Mutant("t21_no_reconcile", "T21 from DOWN to UP at once", _one("partition")),
    Mutant(
        "t21_overwrites",
        "T21 puts a node into service though it was given up again meanwhile",
        _one("partition", jobs=2, cpus=2, attempts=1),
    ),
    Mutant("t21_process_only", "T21 looks at jobs, not at wrappers", _one("partition")),
    Mutant("t21_no_fence", "T21 fences nothing", _one("partition")),
    Mutant("t21_forgets_drain", "T21 forgets a person's DRAIN", _one("partition", people="drain")),
)
T20_WAITS = Mutant(
    "t20_waits_for_down",
    "T20 waits until somebody else says DOWN",
    Setup.of(faults=1, nodes=2, kinds="partition", requeue=True, needed=("T20 requeue_lost",), people=""),
)
MUTANTS = (*PLACING, *CLAIMING, *ENDING, *LOSING, T20_WAITS)
