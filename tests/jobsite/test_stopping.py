"""`make run` is asked to stop: it says which jobs go on, and waits for no database to say so."""

import threading
from datetime import timedelta

import psycopg
import pytest
from django.conf import settings as configured
from pytest_django import Settings

from jobsite.run import prepare
from tests import making
from tests.eventually import eventually

pytestmark = pytest.mark.django_db(transaction=True)


def asking() -> bool:
    return any(thread.name == prepare.ASKING for thread in threading.enumerate())


def test_the_jobs_that_go_on_are_named() -> None:
    job = making.active()
    making.queued()
    assert prepare.running_jobs() == [(job.pk, job.name)]


def test_a_database_that_does_not_answer_in_time_is_not_waited_for(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.LOCK_PATIENCE = timedelta(seconds=20)
    monkeypatch.setattr(prepare, "PATIENCE", 0.2)
    with psycopg.connect(configured.LISTEN_DATABASE_URL) as somebody:
        somebody.execute("LOCK TABLE jobs_job IN ACCESS EXCLUSIVE MODE")
        assert prepare.running_jobs() is None
        assert asking()
    eventually(lambda: not asking(), what="the end of the question")
