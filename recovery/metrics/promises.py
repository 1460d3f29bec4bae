"""The invariants that the live rows alone can answer, counted once a minute at most in each process."""

import threading
import time
from typing import Final

from django.db import connection

from recovery.invariants.rows import LIVE_INVARIANTS, ROW_INVARIANTS

KEPT_FOR: Final = 60.0
"""Seconds. Whoever asks more often is told the same again."""
MOST: Final = 1000
"""As many are counted: that it is more changes nothing."""

_counting = threading.Lock()
_counted: dict[str, int] = {}
_stale_at = 0.0


def broken_promises() -> dict[str, int]:
    """How many rows violate each of these invariants. One thread counts; the others wait for it."""
    global _counted, _stale_at
    with _counting:
        if time.monotonic() >= _stale_at:
            _counted = {name: _count(ROW_INVARIANTS[name][1]) for name in LIVE_INVARIANTS}
            _stale_at = time.monotonic() + KEPT_FOR
        return _counted


def _count(query: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM ({query} LIMIT {MOST}) found")  # noqa: S608 - our own words
        number: int = cursor.fetchone()[0]
        return number
