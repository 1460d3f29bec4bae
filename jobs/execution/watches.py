"""What a wrapper looks at while its job runs: each watch says when it is due, and what it has found then.

`look(now)` answers the cause for which the job is to be ended, or an empty string. Standard library alone.
"""

import os

from jobs.execution import notice, procfs, tree

NEVER = float("inf")


def amount(request, name):  # type: (dict[str, object], str) -> float
    """A number of the request; 0 when an older agent has not written it."""
    return float(request.get(name) or 0)  # type: ignore[arg-type]


class Watch:
    """One of them. `grace` is how long its cause leaves the job before it is killed."""

    due = NEVER
    grace = 0.0
    early = 0.0
    """So many seconds before it is due it may be looked at, when the wrapper is awake for another."""
    hasty = False
    """The job may make it worse while it is asked to end."""

    def look(self, now):  # type: (float) -> str
        """The cause, or an empty string; also sets when it is due again."""
        raise NotImplementedError

    def is_worse(self, now):  # type: (float) -> bool
        """The job was asked to end for this cause, and does more of the same: it is not waited for."""
        del now
        return False

    def measured(self):  # type: () -> list[float]
        """What was found, and what was allowed; in MiB."""
        return []


class Limit(Watch):
    """The time limit, by a clock that goes on while the machine sleeps; told among the job's errors."""

    def __init__(self, request, began, output):  # type: (dict[str, object], float, int) -> None
        self.request = request
        self.seconds = amount(request, "time_limit_seconds")
        self.grace = amount(request, "grace_seconds")
        self.due = began + self.seconds
        self.output = output

    def look(self, now):  # type: (float) -> str
        """It is over."""
        del now
        self.due = NEVER
        whole = int(self.seconds)
        limit = f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"
        job = self.request["job_id"]
        line = f"jobsite: *** job {job} reached its time limit of {limit}; it is being stopped ***\n"
        notice.tell(line.encode(), self.request, self.output)
        return "limit"


class WarningSignal(Watch):
    """The signal that a job has asked for before its limit; at once when the limit is nearer than that.

    All of the job hears it, or the script's own process alone. Among all, the script's own process is left
    out when it has started others and has set no trap: a shell that only waits for its program would die.
    """

    def __init__(self, request, began, child):  # type: (dict[str, object], float, int) -> None
        self.number = int(amount(request, "warning_signal"))
        self.to_shell = bool(request.get("warning_to_shell"))
        self.child = child
        before_limit = amount(request, "time_limit_seconds") - amount(request, "warning_seconds")
        self.due = began + max(before_limit, 0.0) if self.number else NEVER

    def look(self, now):  # type: (float) -> str
        """It is time to warn."""
        del now
        self.due = NEVER
        living = procfs.descendants(os.getpid())
        alone = len(living) == 1
        for pid, ticks in living:
            of_script = pid == self.child
            heard = of_script if self.to_shell else not of_script or alone or tree.catches(pid, self.number)
            if heard:
                tree.signal_one(pid, ticks, self.number)
        return ""
