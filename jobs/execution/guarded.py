"""Work of the agent's that may fail today: it is put off, told of, and never ends the thread that does it."""

import logging
from collections.abc import Callable

from django.db import DatabaseError, InterfaceError, connection

logger = logging.getLogger("jobs.agent")


def guarded(work: Callable[[], object]) -> None:
    """Do it; what goes wrong puts it off to the next sweep."""
    try:
        work()
    except Exception as error:
        logger.warning("put off to the next sweep: %s", str(error).strip(), exc_info=is_news(error))
        connection.close()


def is_news(error: Exception) -> bool:
    """A database that is away needs no traceback; anything else does."""
    return not isinstance(error, DatabaseError | InterfaceError)
