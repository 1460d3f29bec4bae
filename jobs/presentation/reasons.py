"""Each reason as a heading for a person. The row's own detail is the sentence that goes with it."""

from typing import Final

from jobs.states import Reason

HEADINGS: Final = {
    Reason.NONE: "Waits for its node to start it",
    Reason.NOT_CONSIDERED_YET: "Waits for the scheduler to look at it",
    Reason.RESOURCES: "Waits for resources to become free",
    Reason.PRIORITY: "Waits behind jobs that go first",
    Reason.JOB_HELD_USER: "Held by its owner",
    Reason.JOB_HELD_ADMIN: "Held by an operator",
    Reason.BEGIN_TIME: "Waits for the time at which it may begin",
    Reason.PARTITION_DOWN: "Waits: its partition is paused",
    Reason.REQ_NODE_NOT_AVAIL: "Waits: no node that could run it takes jobs now",
    Reason.PARTITION_TIME_LIMIT: "Waits: its time limit is above the maximum of its partition",
    Reason.BAD_CONSTRAINTS: "Waits: no node has what it asks for",
    Reason.LICENSES: "Waits for a licence",
    Reason.BROKER_DOWN: "The queue waits for its broker",
    Reason.UNMANAGED_LOAD: "Waits: other programs use the machine",
    Reason.NON_ZERO_EXIT_CODE: "Ended with an error",
    Reason.RAISED_SIGNAL: "Ended by a signal",
    Reason.TIME_LIMIT: "Stopped at its time limit",
    Reason.OUT_OF_MEMORY: "Ran out of memory",
    Reason.OUTPUT_LIMIT: "Wrote more output than is allowed",
    Reason.DISK_FULL: "The disk of its node was full",
    Reason.JOB_LAUNCH_FAILURE: "Could not be started",
    Reason.NODE_FAIL: "Lost with its node",
    Reason.SUPERVISOR_LOST: "Ended with an unknown result",
    Reason.DEAD_LINE: "Could not end before its deadline",
    Reason.EXPIRED: "Waited longer than is allowed",
    Reason.CANCELLED: "Cancelled",
}

_TONES: Final = {
    Reason.JOB_HELD_USER: "r-held",
    Reason.JOB_HELD_ADMIN: "r-held",
    Reason.TIME_LIMIT: "r-timelimit",
    Reason.OUT_OF_MEMORY: "r-oom",
    Reason.NODE_FAIL: "r-nodefail",
    Reason.SUPERVISOR_LOST: "r-nodefail",
}


def tone(reason: str, otherwise: str) -> str:
    """The style class of a reason that has a colour of its own, else that of its state."""
    return _TONES.get(Reason(reason), otherwise)
