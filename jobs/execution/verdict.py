"""What an agent decides about a running job of its own node: a pure function, the first row that fits."""

from dataclasses import dataclass
from enum import Enum, auto


class TicketKind(Enum):
    """Who linked the ticket."""

    NONE = auto()
    TOMBSTONE = auto()
    WRAPPER = auto()


class Verdict(Enum):
    """What is to be done."""

    HEALTHY = auto()
    """The wrapper lives; a stopping job's wrapper is asked again."""
    ADOPT = auto()
    """The wrapper is gone or has no spool, and the job lives: the agent watches it and kills it when due."""
    FENCE = auto()
    """No ticket: link the tombstone, and the attempt has never started (T16)."""
    FINISH_FENCE = auto()
    """The tombstone is linked, the row does not say so yet (T16)."""
    RECORD = auto()
    """The wrapper has said how it ended, and nothing of it lives (T10, T12, T13)."""
    SUPERVISOR_LOST = auto()
    """Wrapper and process are gone and said nothing (T17)."""
    NODE_FAIL = auto()
    """The machine was restarted under the job (T18)."""


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What the agent has seen, in the order in which it is safe to look."""

    same_spool: bool
    same_boot: bool
    identity_in_row: bool
    ticket: TicketKind
    has_outcome: bool
    wrapper_alive: bool
    process_alive: bool


def decide(evidence: Evidence) -> Verdict:
    """The first row of the agent's table that fits."""
    no_ticket = evidence.ticket is TicketKind.NONE
    if not evidence.same_spool or (evidence.identity_in_row and no_ticket):
        if evidence.same_boot and (evidence.process_alive or evidence.wrapper_alive):
            return Verdict.ADOPT
        return _gone(evidence)
    if no_ticket:
        return Verdict.FENCE
    if evidence.ticket is TicketKind.TOMBSTONE:
        return Verdict.FINISH_FENCE
    if evidence.has_outcome and not evidence.process_alive:  # a job can write such a file too, and live on
        return Verdict.RECORD
    if not evidence.same_boot:
        return Verdict.NODE_FAIL
    if evidence.wrapper_alive:
        return Verdict.HEALTHY
    return Verdict.ADOPT if evidence.process_alive else Verdict.SUPERVISOR_LOST


def _gone(evidence: Evidence) -> Verdict:
    return Verdict.SUPERVISOR_LOST if evidence.same_boot else Verdict.NODE_FAIL
