"""Settings that a deployment rests on."""

import pytest
from django.db import connection

from jobs.models import Job
from tests import making


@pytest.mark.django_db
def test_rows_read_bit_by_bit_need_no_cursor_on_the_server() -> None:
    """Behind a pooler the next bit may be asked of another session, which has no such cursor."""
    making.queued(), making.queued()
    rows = Job.objects.iterator(chunk_size=1)
    next(rows)
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM pg_cursors WHERE name LIKE '\\_django%'")
        assert cursor.fetchall() == []
    assert len(list(rows)) == 1
