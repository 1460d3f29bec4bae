"""How a job ended, by its wrapper's own word, and what that makes of it. Plain values, no database.

Each end gets one sentence with its facts. What is not known is not said: no exit code is ever made up.
"""

import signal
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from jobs import states
from jobs.resources import format_memory
from jobs.states import Evidence, Reason, Step

KILLED_FOR_MEMORY = "The kernel killed a process of it for lack of memory; {how}."
PERHAPS_FOR_MEMORY = (
    "Its process was ended by signal 9 (SIGKILL), which the platform did not send, while the kernel of its"
    " node killed a process for lack of memory: it is suspected, not proven, that it was this."
)
FENCED = (
    "Its node had not renewed its lease for too long, so its supervisor ended it, as it may be run again"
    " elsewhere; {how}."
)
DISK_FULL = "{how}, while the disk to which its node writes the output was full."


@dataclass(frozen=True, kw_only=True)
class Ending:
    """The content of an exit.json. A code or a signal, or the system's words why it could not start."""

    exit_code: int | None
    exit_signal: int | None
    cause: str | None
    """What ended it: None by itself, "limit", "cancel", "output", "memory", "fenced"."""
    launch_error: str | None
    cpu_seconds: float | None = None
    max_rss_mb: float | None = None
    wall_seconds: float | None = None
    core_dumped: bool = False
    usage: Sequence[Sequence[float]] = ()
    """Points of seconds since the start, CPUs and MiB."""
    measured: Sequence[float] = ()
    """For a cause that is about an amount: what was found and what was allowed, in MiB."""
    oom: str = ""
    """The kernel killed for lack of memory: "proven", "suspected", or not seen."""
    disk_full: bool = False
    last_words: str = ""

    evidence = Evidence.SPOOL

    def verdict(self, *, cancelled_by: str | None) -> tuple[Step, Reason, str]:
        """The state, the reason and the sentence. Cancel goes before limit, an own end with 0 before both."""
        if self.exit_code == 0 and self.cause is None and self.launch_error is None:
            note = " It ended by itself before it could be stopped." if cancelled_by is not None else ""
            return states.COMPLETED, Reason.NONE, f"Ended with exit code 0.{note}"
        if cancelled_by is not None:
            who = f" by {cancelled_by}" if cancelled_by else ""
            return states.CANCELLED, Reason.CANCELLED, f"Cancelled{who} while it ran; {self._how()}."
        reason, detail = self._failure()
        return states.FAILED, reason, detail

    def _failure(self) -> tuple[Reason, str]:
        if self.launch_error is not None and self.cause != "fenced":
            return Reason.JOB_LAUNCH_FAILURE, f"It could not be started: {self.launch_error}"
        match self.cause:
            case "limit":
                return Reason.TIME_LIMIT, f"It reached its time limit; {self._how()}."
            case "memory":
                return Reason.OUT_OF_MEMORY, f"It used {self._amounts('and asked for')}; {self._how()}."
            case "output":
                return Reason.OUTPUT_LIMIT, f"It wrote {self._amounts('and may write')}; {self._how()}."
            case "fenced":
                return Reason.NODE_FAIL, FENCED.format(how=self._how())
        return self._own_failure()

    def _own_failure(self) -> tuple[Reason, str]:
        """Nobody stopped it."""
        how = self._how()
        if self.oom == "proven":
            return Reason.OUT_OF_MEMORY, KILLED_FOR_MEMORY.format(how=how)
        if self.oom == "suspected":
            return Reason.OUT_OF_MEMORY, PERHAPS_FOR_MEMORY
        if self.disk_full:
            return Reason.DISK_FULL, DISK_FULL.format(how=how[0].upper() + how[1:])
        if self.exit_signal is not None:
            return Reason.RAISED_SIGNAL, f"Its process was ended by {self._signal_name()}."
        return Reason.NON_ZERO_EXIT_CODE, f"Its script ended with exit code {self.exit_code}."

    def columns(self) -> dict[str, Any]:
        """The columns of the job's row that it fills."""
        return {
            "exit_code": self.exit_code,
            "exit_signal": self.exit_signal,
            "cpu_seconds": self.cpu_seconds,
            "max_rss_mb": self.max_rss_mb,
            "core_dumped": self.core_dumped,
            "last_words": self.last_words,
        }

    def facts(self) -> dict[str, Any]:
        """What the event keeps of it."""
        facts = {**self.columns(), "cause": self.cause, "wall_seconds": self.wall_seconds}
        told = {"measured": list(self.measured), "oom": self.oom, "disk_full": self.disk_full}
        return {**facts, **{name: value for name, value in told.items() if value}}

    def _amounts(self, between: str) -> str:
        """What was found and what was allowed; without figures when an older wrapper told none."""
        if len(self.measured) != 2:
            return "more than it may"
        found, allowed = (format_memory(round(amount)) for amount in self.measured)
        return f"{found} {between} {allowed}"

    def _how(self) -> str:
        if self.launch_error is not None:
            return "it had not been able to start"
        if self.exit_signal is not None:
            return f"its process was ended by {self._signal_name()}"
        return f"it ended with exit code {self.exit_code}"

    def _signal_name(self) -> str:
        core = ", and left a core dump" if self.core_dumped else ""
        try:
            return f"signal {self.exit_signal} ({signal.Signals(self.exit_signal or 0).name}){core}"
        except ValueError:
            return f"signal {self.exit_signal}{core}"
