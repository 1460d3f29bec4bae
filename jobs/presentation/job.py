"""One job in the words of the list and of its own page."""

from dataclasses import dataclass
from datetime import datetime
from zlib import crc32

from jobs.models import Job
from jobs.presentation import moments, reasons
from jobs.presentation.exit_status import described
from jobs.presentation.text import readable
from jobs.resources import Capacity, describe_duration, format_memory
from jobs.states import Phase, Reason, State
from jobs.warning_signal import name


@dataclass(frozen=True)
class ShownJob:
    """A job as it is to be shown at one moment."""

    job: Job
    now: datetime

    @property
    def word(self) -> str:
        """Its state."""
        return self.job.state.capitalize()

    @property
    def icon(self) -> str:
        """The name of its state's icon."""
        return self.job.state.lower()

    @property
    def tone(self) -> str:
        """Its state's style class."""
        return f"s-{self.icon}"

    @property
    def reason_tone(self) -> str:
        """The style class of why it waits, stops, or ended as it did."""
        return "r-stopping" if self.is_stopping else reasons.tone(self.job.reason, self.tone)

    @property
    def is_live(self) -> bool:
        """It has not ended."""
        return not self.job.is_final

    @property
    def is_stopping(self) -> bool:
        """Somebody asked for its end, and it has not ended yet."""
        return self.job.phase == Phase.STOPPING

    @property
    def heading(self) -> str:
        """What there is to know first: what it does, why it waits, or how it ended."""
        match self.job.state:
            case State.PENDING:
                return reasons.HEADINGS[Reason(self.job.reason)]
            case State.RUNNING:
                return self._running_heading()
            case State.COMPLETED:
                return f"Ended with exit code 0{self._after}"
        if self.job.reason == Reason.NON_ZERO_EXIT_CODE:
            return f"Ended with exit code {self.job.exit_code}{self._after}"
        if self.job.reason == Reason.RAISED_SIGNAL:
            return f"Ended by signal {self.job.exit_signal}{self._after}"
        return f"{reasons.HEADINGS[Reason(self.job.reason)]}{self._after}"

    def _running_heading(self) -> str:
        node = f" on {self.where}" if self.where else ""
        if self.is_stopping:
            return f"Is being stopped{node}"
        return f"Is being started{node}" if self.job.phase == Phase.STARTING else f"Runs{node}"

    @property
    def _after(self) -> str:
        ran = moments.span(self.job.started_at, self.job.ended_at)
        return f" after {ran}" if ran else ""

    @property
    def explanation(self) -> str:
        """The sentence under the heading, empty when the heading has said all of it."""
        said_already = self.job.state == State.COMPLETED and self.job.detail == "Ended with exit code 0."
        return "" if said_already else self.job.detail

    @property
    def code(self) -> str:
        """The reason's name, as it is in the API and in Slurm; empty when it has none."""
        return "Stopping" if self.is_stopping else self.job.reason

    @property
    def where(self) -> str:
        """Its node's name, empty before it has one."""
        return self.job.node.name if self.job.node else ""

    @property
    def asked(self) -> str:
        """What it asked for, in one line."""
        return str(Capacity(self.job.cpus, self.job.memory_mb, self.job.gpus)).replace(", ", " · ")

    @property
    def files(self) -> list[str]:
        """Its own files, one a line, as they were named."""
        job = self.job
        named = (("input", job.stdin_path), ("output", job.stdout_path), ("error output", job.stderr_path))
        lines = [f"{what}: {path}" for what, path in named if path]
        return [*lines, "files that are there are appended to"] if lines and job.appends else lines

    @property
    def warning(self) -> str:
        """What it gets before its limit, as a sentence; empty for nothing."""
        warning = self.job.warning
        if warning is None:
            return ""
        who = "its script alone" if warning.to_shell else "all its processes"
        return f"Signal {name(warning.number)} to {who}, {warning.seconds} s before its limit."

    @property
    def memory(self) -> str:
        """The memory that it asked for."""
        return format_memory(self.job.memory_mb)

    @property
    def limit(self) -> str:
        """Its time limit."""
        return describe_duration(self.job.time_limit)

    @property
    def waited(self) -> str:
        """How long it waited, or waits."""
        return moments.span(self.job.submitted_at, self.job.started_at or self.job.ended_at or self.now)

    @property
    def ran(self) -> str:
        """How long it ran, or runs; empty when it never started."""
        return moments.stopwatch(self.job.started_at, self.job.ended_at or self.now)

    @property
    def percent(self) -> int:
        """How much of its limit a running job has used."""
        if self.job.state != State.RUNNING or self.job.started_at is None:
            return 0
        return max(0, min(100, int(100 * (self.now - self.job.started_at) / self.job.time_limit)))

    @property
    def since(self) -> datetime:
        """When it came into its state."""
        return self.job.ended_at or self.job.started_at or self.job.submitted_at

    @property
    def since_what(self) -> str:
        """What happened then."""
        if self.job.ended_at:
            return "Ended"
        return "Started" if self.job.started_at else "Submitted"

    @property
    def exit(self) -> str:
        """Exit code and signal; empty when none is known."""
        return described(self.job.exit_code, self.job.exit_signal, core_dumped=self.job.core_dumped)

    @property
    def advice(self) -> str:
        """What can be done about it; empty when all is well."""
        return reasons.advice(self.job)

    @property
    def last_words(self) -> str:
        """The last lines of its error output, where it did not end well."""
        words = readable(self.job.last_words.encode())
        return words.strip("\n") if self.job.state == State.FAILED else ""

    @property
    def used(self) -> str:
        """The CPU time and memory that it was seen to use; empty when that was not measured."""
        parts = []
        if self.job.cpu_seconds is not None:
            parts.append(f"{self.job.cpu_seconds:.1f} s of CPU")
        if self.job.max_rss_mb is not None:
            parts.append(f"{format_memory(round(self.job.max_rss_mb))} of memory")
        return " · ".join(parts)

    @property
    def cancelling(self) -> str:
        """What a cancel would do."""
        kept = "Its record and its output are kept, and it can be run again as a new job."
        if self.job.is_final:
            return f"It has ended already ({self.job.state.lower()}); there is nothing left to cancel."
        if self.job.state == State.PENDING:
            return f"It has waited {self.waited} and will not start. {kept}"
        return f"It has run {self.ran} of {self.limit}. It is asked to end, and killed if it does not. {kept}"

    @property
    def ended_badly(self) -> bool:
        """By its own doing, so that the last line of its output may say why."""
        return self.job.reason in (Reason.NON_ZERO_EXIT_CODE, Reason.RAISED_SIGNAL)

    @property
    def silence(self) -> str:
        """Why there is no output."""
        if self.job.started_at is None:
            return (
                "It never started, so there is no output." if self.job.is_final else "It has not started yet."
            )
        return "It wrote nothing." if self.job.is_final else "It has not written anything yet."

    @property
    def version(self) -> str:
        """Another one whenever its page has something new to say."""
        told = (
            self.job.state,
            self.job.phase,
            self.job.attempt,
            self.job.hold,
            self.job.reason,
            self.job.detail,
        )
        return f"{crc32(repr(told).encode()):08x}"
