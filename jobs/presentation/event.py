"""A job's events as its timeline tells them."""

from dataclasses import dataclass
from typing import Final

from jobs.models import Job, JobEvent
from jobs.resources import Capacity
from jobs.states import EventKind, Source, State

_CAME_BY: Final = {
    Source.WEB: "in the browser",
    Source.API: "through the API",
    Source.CLI: "from the command line",
}
_HEADLINES: Final = {
    EventKind.RETURNED: "Back in the queue",
    EventKind.ACTIVE: "Running",
    EventKind.CANCEL_REQUESTED: "Asked to end",
    EventKind.ALLOCATION_MENDED: "Forgotten resources released",
    EventKind.LATE_RESULT: "A late result came",
    EventKind.STRAY_KILLED: "A stray process was killed",
}


@dataclass(frozen=True)
class ShownEvent:
    """One line of a timeline."""

    event: JobEvent
    job: Job

    @property
    def headline(self) -> str:
        """What happened."""
        match self.event.kind:
            case EventKind.SUBMITTED:
                return f"Submitted by {self.event.actor}"
            case EventKind.FINISHED:
                return self.event.to_state.capitalize()
        told = self.event.message[:1].upper() + self.event.message[1:]
        return _HEADLINES.get(EventKind(self.event.kind)) or told or str(self.event.kind).capitalize()

    @property
    def more(self) -> str:
        """What else there is to say of it, and who did it where that is not said yet; perhaps nothing."""
        node = self.job.node.name if self.job.node else ""
        said = self.event.actor == node or self.event.actor in (self.event.message or self.headline)
        by = "" if said else f"by {self.event.actor}"
        match self.event.kind:
            case EventKind.SUBMITTED:
                again = f", as a rerun of {self.job.rerun_of_id}" if self.job.rerun_of_id else ""
                return f"{_CAME_BY[Source(self.job.source)]}{again}"
            case EventKind.PLACED:
                return self._resources()
            case EventKind.DISPATCHED | EventKind.STARTED | EventKind.HELD | EventKind.RELEASED:
                return ""
            case EventKind.ACTIVE:
                return self.event.message or f"on {self.event.actor}"
        return " · ".join(filter(None, (self.event.message, by)))

    def _resources(self) -> str:
        """What it was given, when the event says so."""
        try:
            given = self.event.evidence
            return str(Capacity(given["cpus"], given["memory_mb"], len(given["gpus"])))
        except (KeyError, TypeError):
            return ""

    @property
    def tone(self) -> str:
        """The style class of the state that it led to."""
        return f"s-{State(self.event.to_state).lower()}"
