"""Evaluates every invariant once and answers what violates it."""

from collections.abc import Callable
from dataclasses import dataclass

from django.db import connection

from recovery.invariants.capacity import overdrafts
from recovery.invariants.confidential import secrets_in_processes, secrets_in_spool
from recovery.invariants.node import dead_but_running, jobs_without_directory, strays, twins
from recovery.invariants.queue import needless_messages
from recovery.invariants.rows import ROW_INVARIANTS

SHOWN = 10


@dataclass(frozen=True)
class Violation:
    """An invariant, what it says, and what was found against it."""

    invariant: str
    says: str
    found: str


BEYOND_ROWS: dict[str, tuple[str, Callable[[], list[str]]]] = {
    "I6 (history)": ("no node ever gave more than it has", overdrafts),
    "I3": ("of a job, one attempt lives at most", twins),
    "I7, I8": ("every process with our marker here belongs to a live attempt", strays),
    "L1 (node)": ("whoever runs here has a living process, or is about to be settled", dead_but_running),
    "I5 (spool)": ("whoever has started here has its directory", jobs_without_directory),
    "L4": ("no more messages of a job wait than were sent", needless_messages),
    "I18": ("no server secret is in a spool", secrets_in_spool),
    "I18 (processes)": ("no server secret was given to a job or its wrapper", secrets_in_processes),
}


def verify() -> list[Violation]:
    """Every violation at this moment. Empty: the promise holds."""
    found = []
    for name, (says, query) in ROW_INVARIANTS.items():
        with connection.cursor() as cursor:
            cursor.execute(query)
            found += [Violation(name, says, repr(row)) for row in cursor.fetchmany(SHOWN)]
    for name, (says, look) in BEYOND_ROWS.items():
        found += [Violation(name, says, line) for line in look()[:SHOWN]]
    return found
