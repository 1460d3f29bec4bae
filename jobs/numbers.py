"""Job numbers are never given twice, not even by a database that was put back from an older copy.

The nodes remember: a spool holds a directory for every job that ran there lately. Without this, a new job
with an old number would find the old one's ticket and end in its place.
"""

from typing import Final

from django.db import connection, transaction

SEQUENCE: Final = "pg_get_serial_sequence('jobs_job', 'id')::regclass"
FARTHEST: Final = 10_000_000
"""No copy is so old that more jobs than this are missing: a number farther on was made up by somebody."""


@transaction.atomic
def never_again(highest: int) -> bool:
    """Have every new job's number above this one. True: the next ones would not have been."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('jobs.numbers'))")
        cursor.execute(
            f"SELECT setval({SEQUENCE}, %(highest)s)"  # noqa: S608 - a constant of ours
            f" FROM (SELECT coalesce(pg_sequence_last_value({SEQUENCE}), 0) AS last) AS now"
            " WHERE last < %(highest)s AND %(highest)s - last <= %(farthest)s",
            {"highest": highest, "farthest": FARTHEST},
        )
        return cursor.fetchone() is not None
