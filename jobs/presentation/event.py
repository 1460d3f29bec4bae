"""A job's events as its timeline tells them."""

from dataclasses import dataclass

from jobs.models import JobEvent
from jobs.presentation import moments
from jobs.states import EventKind, State

_HEADLINES = {
    EventKind.SUBMITTED: "Submitted",
    EventKind.PLACED: "Given its place",
    EventKind.DISPATCHED: "Node told",
    EventKind.RETURNED: "Back in the queue",
    EventKind.STARTED: "Claimed by its node",
    EventKind.ACTIVE: "Running",
    EventKind.CANCEL_REQUESTED: "Cancel requested",
    EventKind.HELD: "Held",
    EventKind.RELEASED: "Released",
    EventKind.ALLOCATION_MENDED: "Forgotten resources released",
    EventKind.LATE_RESULT: "A late result came",
    EventKind.STRAY_KILLED: "A stray process was killed",
}


@dataclass(frozen=True)
class ShownEvent:
    """One line of a timeline."""

    event: JobEvent

    @property
    def headline(self) -> str:
        """What happened."""
        if self.event.kind == EventKind.FINISHED:
            return self.event.to_state.capitalize()
        return _HEADLINES[EventKind(self.event.kind)]

    @property
    def tone(self) -> str:
        """The style class of the state that it led to."""
        return f"s-{State(self.event.to_state).lower()}"

    @property
    def clock(self) -> str:
        """When, as a time of day."""
        return moments.clock(self.event.at)

    @property
    def message(self) -> str:
        """What is to be said of it."""
        return self.event.message

    @property
    def by(self) -> str:
        """Who did it, where the message does not say so already."""
        return "" if self.event.actor in self.event.message else self.event.actor
