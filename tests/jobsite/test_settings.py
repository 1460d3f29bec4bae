"""Settings that a deployment rests on."""

import os
import subprocess
import sys

import pytest
from django.db import connection

from jobs.models import Job
from jobsite.run.ground import FLOWER_HOST
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


def told(*names: str, **variables: str) -> str:
    """These settings, as they are where these variables are set."""
    command = f"from jobsite import settings; print(*(getattr(settings, name) for name in {names!r}))"
    environment = {**os.environ, **variables}
    asked = subprocess.run(
        [sys.executable, "-c", command], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    return asked.stdout.strip()


@pytest.mark.parametrize(("origin", "secure"), [("", False), ("https://jobs.example.org", True)])
def test_behind_https_no_cookie_is_sent_without_it(origin: str, *, secure: bool) -> None:
    cookies = told("SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", JOBSITE_TRUSTED_ORIGINS=origin)
    assert cookies == f"{secure} {secure}"


def test_the_link_to_flower_leads_to_where_it_listens() -> None:
    url = told("FLOWER_URL", JOBSITE_HOST="192.0.2.7", JOBSITE_FLOWER_PORT="5600")
    assert url == f"http://{FLOWER_HOST}:5600/"
