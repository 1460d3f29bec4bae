"""Settings that a deployment rests on."""

import os
import subprocess
import sys

import pytest
from django.db import connection

from jobs.models import Job
from tests import making
from tests.session import ROOT


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


@pytest.mark.parametrize(("origin", "secure"), [("", False), ("https://jobs.example.org", True)])
def test_behind_https_no_cookie_is_sent_without_it(origin: str, *, secure: bool) -> None:
    told = "from jobsite import settings; print(settings.SESSION_COOKIE_SECURE, settings.CSRF_COOKIE_SECURE)"
    asked = subprocess.run(
        [sys.executable, "-c", told],
        cwd=ROOT,
        env={**os.environ, "JOBSITE_TRUSTED_ORIGINS": origin},
        capture_output=True,
        text=True,
        check=True,
    )
    assert asked.stdout == f"{secure} {secure}\n"
