"""Other people's locks: nobody waits for one for ever, and a transaction that lost to one is begun again.

Who locks a row by hand and goes to lunch must not stop the jobs of everybody else. PostgreSQL ends each wait
after LOCK_PATIENCE, and a deadlock after its own second; what was rolled back is tried again until one and
a half of that time is over. Who loses power in a transaction says no more, and PostgreSQL waits for hours: it
ends such a session, and gives back what that one had locked, after IDLE_PATIENCE.
"""

import time
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any, Final, ParamSpec, TypeVar

from django.conf import settings
from django.db import DatabaseError, OperationalError, connection, models, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

Parameters = ParamSpec("Parameters")
Answer = TypeVar("Answer")

LOST_TO_A_LOCK: Final = {"40P01", "55P03"}
"""PostgreSQL's deadlock_detected and lock_not_available."""


class RowBusyError(DatabaseError):
    """Somebody keeps a row locked that this needs. Nothing was changed."""

    def __init__(self, waited: float) -> None:
        super().__init__(
            f"Somebody else has had this locked in the database for {waited:.0f} s; nothing was changed."
        )


def patiently(write: Callable[Parameters, Answer]) -> Callable[Parameters, Answer]:
    """A function as one transaction, begun again when it lost to a lock.

    Inside another transaction it is a part of that one, which is its caller's to begin again.
    Raises RowBusyError when the lock is kept.
    """

    @wraps(write)
    def written(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Answer:
        if connection.in_atomic_block:
            with transaction.atomic():
                return write(*args, **kwargs)
        begun = time.monotonic()
        seen = _columns_of(args)
        while True:
            try:
                with transaction.atomic():
                    return write(*args, **kwargs)
            except OperationalError as error:
                waited = time.monotonic() - begun
                if not is_lost_to_a_lock(error):
                    raise
                if waited > 1.5 * settings.LOCK_PATIENCE.total_seconds():
                    raise RowBusyError(waited) from error
                _put_back(seen)

    return written


def sqlstate(error: BaseException) -> str | None:
    """PostgreSQL's own word for what went wrong. None: it has said nothing."""
    state: str | None = getattr(error.__cause__, "sqlstate", None)
    return state


def is_lost_to_a_lock(error: BaseException) -> bool:
    """PostgreSQL rolled back because of what somebody else has locked: later, the same may succeed."""
    return sqlstate(error) in LOST_TO_A_LOCK


def limit_waits(connection: BaseDatabaseWrapper, **_: object) -> None:
    """Tell a new session how long it may wait for a lock, and be silent with locks of its own.

    What the database itself, or its URL, says of these goes before.
    """
    bounds = {
        "lock_timeout": settings.LOCK_PATIENCE,
        "idle_in_transaction_session_timeout": settings.IDLE_PATIENCE,
    }
    milliseconds = [str(int(patience.total_seconds() * 1000)) for patience in bounds.values()]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config(name, bound, false) FROM unnest(%s::text[], %s::text[]) AS told(name, bound)"
            " WHERE current_setting(name) = '0'",
            [list(bounds), milliseconds],
        )


def _columns_of(args: Iterable[object]) -> list[tuple[models.Model, dict[str, Any]]]:
    """What the caller's rows look like before the first try changes them in memory."""
    return [(row, dict(vars(row))) for row in args if isinstance(row, models.Model)]


def _put_back(seen: Iterable[tuple[models.Model, dict[str, Any]]]) -> None:
    for row, columns in seen:
        vars(row).clear()
        vars(row).update(columns)
