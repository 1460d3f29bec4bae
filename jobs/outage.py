"""What to say to a person whose request the database could not serve."""

from typing import Final

from django.db import InterfaceError, OperationalError

from jobs.contention import RowBusyError, sqlstate

DISK_FULL: Final = "53100"
RETRY_AFTER: Final = "5"
"""Seconds, as the header says it."""


def words_for(error: BaseException | None) -> str | None:
    """One sentence, if the database is the reason. None: it is not."""
    match error:
        case RowBusyError():
            return str(error)
        case OperationalError() if sqlstate(error) == DISK_FULL:
            return "The database's disk is full, so nothing was stored. An operator must make room there."
        case OperationalError() | InterfaceError():
            return "The database does not answer."
    return None
