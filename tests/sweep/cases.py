"""Every fault point, with every fault that it can have, and why it cannot have the others."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.sweep import scenarios
from tests.sweep.points import points
from tests.sweep.scenarios import Scenario

ACTIONS = ("kill", "kill-worker", "kill-parent", "raise", "delay", "stop", "enospc", "eio", "drop-db")
DISK = ("enospc", "eio")
COMPLETED, CANCELLED = "COMPLETED", "CANCELLED"
LOST = "SupervisorLost"


@dataclass(frozen=True)
class Place:
    """Which process comes by a fault point, what has to happen for that, whether it writes a file there."""

    process: str
    scenario: Scenario
    writes: bool = False


def _of(process: str, scenario: Scenario, *names: str, writes: bool = False) -> dict[str, Place]:
    return {name: Place(process, scenario, writes) for name in names}


PLACES: dict[str, Place] = {
    **_of("web", scenarios.plain, "submit.before_commit", "submit.after_commit"),
    **_of("scheduler", scenarios.plain, "alloc.after_lock", "alloc.before_commit", "alloc.after_commit"),
    **_of("scheduler", scenarios.plain, "publish.before", "publish.after_cas", "publish.after_send"),
    **_of("worker", scenarios.plain, "consume.after_pop", "claim.before", "claim.before_commit"),
    **_of("worker", scenarios.plain, "claim.after_commit", "launch.after_mkdir", writes=True),
    **_of("worker", scenarios.plain, "launch.before_ask", writes=True),
    **_of("launcher", scenarios.plain, "launcher.before_fork"),
    **_of("wrapper", scenarios.plain, "spawn.before", "spawn.after_fork", writes=True),
    **_of("wrapper", scenarios.plain, "ticket.before", "ticket.before_link", writes=True),
    **_of("wrapper", scenarios.plain, "ticket.after_create", "ticket.after_fsync", writes=True),
    **_of("wrapper", scenarios.plain, "spawn.after_open"),
    **_of("child", scenarios.plain, "spawn.before_exec"),
    **_of("worker", scenarios.plain, "pid.before_record", "pid.after_record"),
    **_of("wrapper", scenarios.overrun, "run.limit_fired", "run.after_term", "run.after_kill"),
    **_of("wrapper", scenarios.plain, "exit.after_wait"),
    **_of("wrapper", scenarios.plain, "exit.after_tmp", "exit.after_rename", writes=True),
    **_of("worker", scenarios.plain, "ingest.before_commit", "ingest.after_commit", "lease.before_renew"),
    **_of("worker", scenarios.lost_message, "recover.after_scan", "recover.after_commit"),
    **_of("worker", scenarios.unstarted, "recover.after_tombstone", writes=True),
    **_of("worker", scenarios.unstarted, "return.before_commit"),
    **_of("web", scenarios.cancelled, "cancel.before_commit"),
    **_of("worker", scenarios.cancelled, "cancel.after_flag", writes=True),
    **_of("worker", scenarios.cancelled, "cancel.after_kill"),
    **_of("worker", scenarios.adopted, "adopt.after_kill"),
    **_of("command", scenarios.lost_node, "lost.before_commit"),
    **_of("worker", scenarios.lost_node, "rejoin.after_tombstones", "rejoin.after_sweep"),
}

SINGLE = ("scheduler", "launcher", "wrapper", "child", "command")
OUTSIDE_DJANGO = ("launcher", "wrapper", "child")
_BESIDE = "the worker is not at this point"
_NOT_APPLICABLE: dict[str, Callable[[Place], str]] = {
    "kill-worker": lambda at: {
        "worker": "it is the worker itself: kill",
        "web": _BESIDE,
        "scheduler": _BESIDE,
        "command": _BESIDE,
    }.get(at.process, ""),
    "kill-parent": lambda at: {
        "worker": "its parent is the supervisor, with which the whole platform ends",
        "web": "its parent is the supervisor, with which the whole platform ends",
        "scheduler": "its parent is the supervisor, with which the whole platform ends",
        "launcher": "its parent is the worker: kill-worker",
        "command": "its parent is whoever typed it",
    }.get(at.process, ""),
    "stop": lambda at: {
        **dict.fromkeys(SINGLE, "it has one thread: a delay holds all of it"),
        "web": "a request has its thread, and a client that waits is held by a delay as well",
    }.get(at.process, ""),
    "enospc": lambda at: "" if at.writes else "no file is written here",
    "eio": lambda at: "" if at.writes else "no file is written here",
    "drop-db": lambda at: "it has no session with the database" if at.process in OUTSIDE_DJANGO else "",
}


@dataclass(frozen=True)
class Case:
    """One fault at one point."""

    point: str
    action: str

    def __str__(self) -> str:
        return f"{self.point}:{self.action}"

    @property
    def place(self) -> Place:
        """Where that is."""
        return PLACES[self.point]

    @property
    def skipped(self) -> str:
        """Why there is no such case. Empty: there is."""
        why = _NOT_APPLICABLE.get(self.action)
        return why(self.place) if why else ""

    @property
    def ends(self) -> frozenset[str]:
        """How the job may end: the reason, or the state where that says all."""
        special = _SPECIAL_ENDS.get((self.point, self.action))
        if special is not None:
            return frozenset(special)
        usual = self.place.scenario.end
        if self.point in _SUPERVISED and self.action in ("kill", "raise"):
            return frozenset({LOST, usual} - {COMPLETED})
        return frozenset({usual})


_SUPERVISED = {
    *("ticket.after_create", "ticket.after_fsync", "spawn.after_open", "run.limit_fired", "run.after_term"),
    *("run.after_kill", "exit.after_wait", "exit.after_tmp"),
}
"""The ticket is linked and the end not told yet: when a wrapper dies here, nobody knows how its job ended."""

_SPECIAL_ENDS: dict[tuple[str, str], set[str]] = {
    ("spawn.before_exec", "kill"): {"RaisedSignal"},
    ("spawn.before_exec", "raise"): {"NonZeroExitCode"},
    ("spawn.before_exec", "kill-parent"): {LOST},
    **{
        (f"ticket.{at}", error): {"JobLaunchFailure"}
        for at in ("after_create", "after_fsync")
        for error in DISK
    },
}


def cases() -> Iterator[Case]:
    """All of them, in a fixed order. Raises KeyError for a point of which nobody says how it is reached."""
    for action in ACTIONS:
        for point in points():
            case = Case(point, action)
            if not case.skipped:
                yield case


def skipped() -> Iterator[Case]:
    """Those that cannot be."""
    for point in points():
        yield from (case for action in ACTIONS if (case := Case(point, action)).skipped)
