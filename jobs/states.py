"""The words of the state machine, each with one meaning in column, URL, log, page and test.

Five states are what a user sees; the phase is the step inside a state, the reason its cause. Reasons are
spelled as Slurm spells them where it has one (squeue(1), "JOB REASON CODES").
"""

from enum import StrEnum
from typing import NamedTuple


class State(StrEnum):
    """What a user sees of a job."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


class Phase(StrEnum):
    """The step inside a state."""

    QUEUED = "QUEUED"
    PLACED = "PLACED"
    STARTING = "STARTING"
    ACTIVE = "ACTIVE"
    STOPPING = "STOPPING"
    DONE = "DONE"


class Step(NamedTuple):
    """A state and a phase that belong together."""

    state: State
    phase: Phase


QUEUED = Step(State.PENDING, Phase.QUEUED)
PLACED = Step(State.PENDING, Phase.PLACED)
STARTING = Step(State.RUNNING, Phase.STARTING)
ACTIVE = Step(State.RUNNING, Phase.ACTIVE)
STOPPING = Step(State.RUNNING, Phase.STOPPING)
COMPLETED = Step(State.COMPLETED, Phase.DONE)
FAILED = Step(State.FAILED, Phase.DONE)
CANCELLED = Step(State.CANCELLED, Phase.DONE)

FINAL_STATES = (State.COMPLETED, State.FAILED, State.CANCELLED)


class Reason(StrEnum):
    """Why a job waits, or why it ended as it did."""

    NONE = ""
    NOT_CONSIDERED_YET = "NotConsideredYet"
    RESOURCES = "Resources"
    PRIORITY = "Priority"
    JOB_HELD_USER = "JobHeldUser"
    JOB_HELD_ADMIN = "JobHeldAdmin"
    BEGIN_TIME = "BeginTime"
    PARTITION_DOWN = "PartitionDown"
    REQ_NODE_NOT_AVAIL = "ReqNodeNotAvail"
    PARTITION_TIME_LIMIT = "PartitionTimeLimit"
    BAD_CONSTRAINTS = "BadConstraints"
    LICENSES = "Licenses"
    BROKER_DOWN = "BrokerDown"
    UNMANAGED_LOAD = "UnmanagedLoad"
    NON_ZERO_EXIT_CODE = "NonZeroExitCode"
    RAISED_SIGNAL = "RaisedSignal"
    TIME_LIMIT = "TimeLimit"
    OUT_OF_MEMORY = "OutOfMemory"
    OUTPUT_LIMIT = "OutputLimit"
    DISK_FULL = "DiskFull"
    JOB_LAUNCH_FAILURE = "JobLaunchFailure"
    NODE_FAIL = "NodeFail"
    SUPERVISOR_LOST = "SupervisorLost"
    DEAD_LINE = "DeadLine"
    EXPIRED = "Expired"
    CANCELLED = "Cancelled"


class AllocationStatus(StrEnum):
    """How far resources are given: reserved at placing, allocated at the start, released at the end."""

    RESERVED = "RESERVED"
    ALLOCATED = "ALLOCATED"
    RELEASED = "RELEASED"


class Hold(StrEnum):
    """Who keeps a job from being placed. Only an operator lifts an operator's hold."""

    NONE = ""
    USER = "user"
    ADMIN = "admin"


class OpenMode(StrEnum):
    """What becomes of an output file that is there already (sbatch --open-mode)."""

    TRUNCATE = "truncate"
    APPEND = "append"


class Source(StrEnum):
    """The way in by which a job came."""

    WEB = "web"
    API = "api"
    CLI = "cli"


class Service(StrEnum):
    """Whether a node takes jobs."""

    UP = "UP"
    DRAIN = "DRAIN"
    RECONCILING = "RECONCILING"
    DOWN = "DOWN"


class Evidence(StrEnum):
    """What the end of a job rests on."""

    NONE = ""
    SPOOL = "SPOOL"
    """The wrapper's exit.json."""
    ABSENCE = "ABSENCE"
    """The job's own node saw that wrapper and process are gone, and no exit.json."""
    BOOT = "BOOT"
    """The job's own node has been restarted since."""


class EventKind(StrEnum):
    """One kind for each transition; folding a job's events by id gives its row."""

    SUBMITTED = "submitted"
    PLACED = "placed"
    DISPATCHED = "dispatched"
    RETURNED = "returned"
    STARTED = "started"
    ACTIVE = "active"
    CANCEL_REQUESTED = "cancel requested"
    FINISHED = "finished"
    HELD = "held"
    RELEASED = "released"
    ALLOCATION_MENDED = "allocation mended"
    REQUEUED = "requeued"
    """T20: its node is lost, and it may be run again."""
    LATE_RESULT = "late result"
    STRAY_KILLED = "stray killed"
