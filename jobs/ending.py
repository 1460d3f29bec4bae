"""How a job ended, by its wrapper's own word, and what that makes of it. Plain values, no database."""

import signal
from dataclasses import dataclass
from typing import Any

from jobs import states
from jobs.states import Evidence, Reason, Step


@dataclass(frozen=True, kw_only=True)
class Ending:
    """The content of an exit.json. A code or a signal, or the system's words why it could not start."""

    exit_code: int | None
    exit_signal: int | None
    cause: str | None
    """What ended it: None by itself, "limit", "cancel"."""
    launch_error: str | None
    cpu_seconds: float | None = None
    max_rss_mb: float | None = None
    wall_seconds: float | None = None
    core_dumped: bool = False

    evidence = Evidence.SPOOL

    def verdict(self, *, cancelled: bool) -> tuple[Step, Reason, str]:
        """The state, the reason and the sentence. Cancel goes before limit, an own end with 0 before both."""
        if self.exit_code == 0 and self.cause is None and self.launch_error is None:
            note = " It ended by itself before it could be stopped." if cancelled else ""
            return states.COMPLETED, Reason.NONE, f"Ended with exit code 0.{note}"
        if cancelled:
            return states.CANCELLED, Reason.CANCELLED, f"Cancelled while it ran; {self._how()}."
        if self.launch_error is not None:
            return states.FAILED, Reason.JOB_LAUNCH_FAILURE, f"It could not be started: {self.launch_error}"
        if self.cause == "limit":
            return states.FAILED, Reason.TIME_LIMIT, f"It reached its time limit; {self._how()}."
        if self.exit_signal is not None:
            return states.FAILED, Reason.RAISED_SIGNAL, f"Its process was ended by {self._signal_name()}."
        return states.FAILED, Reason.NON_ZERO_EXIT_CODE, f"Its script ended with exit code {self.exit_code}."

    def columns(self) -> dict[str, Any]:
        """The columns of the job's row that it fills."""
        return {
            "exit_code": self.exit_code,
            "exit_signal": self.exit_signal,
            "cpu_seconds": self.cpu_seconds,
            "max_rss_mb": self.max_rss_mb,
            "core_dumped": self.core_dumped,
        }

    def facts(self) -> dict[str, Any]:
        """What the event keeps of it."""
        return {**self.columns(), "cause": self.cause, "wall_seconds": self.wall_seconds}

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
