"""Job numbers are never given twice, not even by a database that was put back from an older copy.

The nodes remember: a spool holds a directory for every job that ran there lately. Without this, a new job
with an old number would find the old one's ticket and end in its place.
"""

from collections.abc import Collection
from typing import Final

from django.db import connection, transaction

SEQUENCE: Final = "pg_get_serial_sequence('jobs_job', 'id')::regclass"
FARTHEST: Final = 10_000_000
"""No copy is so old that more jobs than this are missing: a number farther on was made up by somebody."""


@transaction.atomic
def never_again(had: Collection[int]) -> tuple[int, bool]:
    """Have every new job's number above these, as far as they can be true.

    Answers the highest of those, and whether the next ones would not have been above it.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('jobs.numbers'))")
        cursor.execute(f"SELECT coalesce(pg_sequence_last_value({SEQUENCE}), 0)")
        (last,) = cursor.fetchone()
        highest = max((number for number in had if number - last <= FARTHEST), default=0)
        if highest > last:
            cursor.execute(f"SELECT setval({SEQUENCE}, %s)", [highest])
    return highest, highest > last
