"""Each reason as a heading for a person, and what can be done about it. The row's detail comes between."""

from typing import Final

from jobs.models import Job
from jobs.states import Phase, Reason, State

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

ADVICE: Final = {
    Reason.NONE: "",
    Reason.NOT_CONSIDERED_YET: "Nothing is to be done: the scheduler looks at every job within seconds.",
    Reason.RESOURCES: "It starts by itself. A job that asks for less, or for less time, may start sooner.",
    Reason.PRIORITY: "It starts by itself once those before it have their place.",
    Reason.JOB_HELD_USER: "Release it to let it start.",
    Reason.JOB_HELD_ADMIN: "Ask an operator to release it.",
    Reason.BEGIN_TIME: "It starts by itself when the time has come.",
    Reason.PARTITION_DOWN: "It starts when an operator resumes the partition. Another may take it now.",
    Reason.REQ_NODE_NOT_AVAIL: "It starts when such a node is back. An operator knows why it is away.",
    Reason.PARTITION_TIME_LIMIT: "Submit it again with a shorter time limit, or to another partition.",
    Reason.BAD_CONSTRAINTS: "Submit it again and ask for less, or choose a partition with larger nodes.",
    Reason.LICENSES: "It starts by itself when a licence is free.",
    Reason.BROKER_DOWN: "It starts by itself when the broker answers. An operator can see to that.",
    Reason.UNMANAGED_LOAD: "It starts by itself when the machine is quieter.",
    Reason.NON_ZERO_EXIT_CODE: "The code is the script's own; the last lines of its output usually say why.",
    Reason.RAISED_SIGNAL: "The program crashed, or something other than Jobsite killed it.",
    Reason.TIME_LIMIT: "Run it again with a longer time limit, or let it save its work and go on from there.",
    Reason.OUT_OF_MEMORY: "Run it again and ask for more memory than its peak.",
    Reason.OUTPUT_LIMIT: "Let it write less, or send its output to a file of its own.",
    Reason.DISK_FULL: "Run it again when an operator has made room on the node.",
    Reason.JOB_LAUNCH_FAILURE: "Look at its script's first line, its work directory and its files.",
    Reason.NODE_FAIL: "Run it again. A job that can bear it may ask to be requeued by itself.",
    Reason.SUPERVISOR_LOST: "Nobody saw how it ended: look at what it has written before it is run again.",
    Reason.DEAD_LINE: "Run it again with a later deadline.",
    Reason.EXPIRED: "Submit it again; ask an operator if the partition lets nothing wait so long.",
    Reason.CANCELLED: "Run it again if that was not meant.",
}
"""What a person can do about it. The row's own detail says what happened."""

_TONES: Final = {
    Reason.JOB_HELD_USER: "r-held",
    Reason.JOB_HELD_ADMIN: "r-held",
    Reason.TIME_LIMIT: "r-timelimit",
    Reason.OUT_OF_MEMORY: "r-oom",
    Reason.NODE_FAIL: "r-nodefail",
    Reason.SUPERVISOR_LOST: "r-nodefail",
}


def advice(job: Job) -> str:
    """What can be done about it; empty when all is well, or its end is near."""
    well = job.state == State.COMPLETED or job.phase == Phase.STOPPING
    return "" if well else ADVICE[Reason(job.reason)]


def tone(reason: str, otherwise: str) -> str:
    """The style class of a reason that has a colour of its own, else that of its state."""
    return _TONES.get(Reason(reason), otherwise)
