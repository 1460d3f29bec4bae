"""What one exploration is about: how much there is of everything, what may fail, who may meddle."""

from dataclasses import dataclass, replace
from typing import Any

USUAL_FAULTS = "worker wrapper reboot flush duplicate partition publisher"
EVERY_FAULT = USUAL_FAULTS + " deaf freeze commit spool directory"


@dataclass(frozen=True, kw_only=True)
class Setup:
    """One bounded world. `attempts` bounds the exploration, not the protocol."""

    jobs: int = 1
    nodes: int = 1
    cpus: int = 1
    faults: int = 2
    kinds: frozenset[str] = frozenset(USUAL_FAULTS.split())
    """Which faults may happen, `faults` of them in all."""
    people: frozenset[str] = frozenset({"cancel"})
    """What persons and optional policies may do."""
    attempts: int = 2
    requeue: bool = False
    unstarted_limit: int = 2
    schedulers: bool = False
    """Two schedulers with a leader's term, instead of one that places at once."""
    limit: int = 9
    """How many jobs may have a place on all nodes together."""
    sequences: bool = False
    """Sending is two steps, look and compare-and-set, and two do it at once."""
    needed: tuple[str, ...] = ()
    """Steps without which the exploration shows nothing."""
    mutants: frozenset[str] = frozenset()
    """What is left out or done wrong."""

    @classmethod
    def of(cls, *, kinds: str = USUAL_FAULTS, people: str = "cancel", **rest: Any) -> "Setup":
        """With the names of faults and meddlers in one string each."""
        return cls(kinds=frozenset(kinds.split()), people=frozenset(people.split()), **rest)

    def broken_by(self, mutants: str) -> "Setup":
        """The same, with these mutants."""
        return replace(self, mutants=frozenset(mutants.split()))

    @property
    def most_messages(self) -> int:
        """In one node's queue."""
        return 2 * self.jobs
