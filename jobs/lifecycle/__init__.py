"""Submit, place, start, finish; cancel, hold, release: the only writer of state and allocations.

Every verb takes the job as its caller saw it and moves it by compare-and-set on the row's own columns.
Losing a race answers False and writes nothing; the event, and the release of resources, are part of the same
transaction. A rerun is a submit, in jobs.submission. The numbers T1 to T22 are those of the state machine in
the README.
"""

from jobs.lifecycle.end import cancel, expire, finish, finish_all, lose, return_unstarted
from jobs.lifecycle.forget import forget
from jobs.lifecycle.hold import explain_all, explain_partition, hold, release, remark
from jobs.lifecycle.journal import mend_allocation, note
from jobs.lifecycle.lost import SeenLease, give_up, requeue, requeue_lost
from jobs.lifecycle.place import Placing, await_broker, dispatch, place, return_to_queue
from jobs.lifecycle.run import Identities, activate, start
from jobs.lifecycle.submit import submit

__all__ = [
    "Identities",
    "Placing",
    "SeenLease",
    "activate",
    "await_broker",
    "cancel",
    "dispatch",
    "expire",
    "explain_all",
    "explain_partition",
    "finish",
    "finish_all",
    "forget",
    "give_up",
    "hold",
    "lose",
    "mend_allocation",
    "note",
    "place",
    "release",
    "remark",
    "requeue",
    "requeue_lost",
    "return_to_queue",
    "return_unstarted",
    "start",
    "submit",
]
