"""What `verify_invariants` finds after each of these: nothing. With a real spool, processes and broker."""

import os
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from pytest_django import Settings

from jobs import lifecycle
from jobs.execution import processes
from jobs.execution.archive import Archive
from jobs.execution.settle import end_overdue, settle_pair
from jobs.execution.spool import Spool
from jobs.execution.station import Station
from jobs.execution.strays import Strays
from jobs.models import Job, Node
from jobs.states import Hold, Service, State
from recovery.invariants import verify
from tests import making
from tests.jobs.execution import running

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("broker")]


@pytest.fixture
def station(spool: Spool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Station:
    """The station of n1, in the place where the platform's own would be."""
    monkeypatch.setattr(settings, "JOBSITE_VAR", tmp_path / "var")
    making.node(cpus=8, gpus=2)
    return Station("n1", Spool.open(tmp_path / "var" / "spool" / "n1"))


def test_a_message_is_sent_once_however_many_want_to(station: Station) -> None:
    job = making.placed()
    seen = Job.objects.select_related("node").get(pk=job.pk)
    assert (lifecycle.dispatch(job), lifecycle.dispatch(seen)) == (True, False)
    assert verify() == []


def test_a_job_that_is_held_and_let_go_is_at_the_attempt_at_which_it_was(station: Station) -> None:
    job = making.placed()
    assert lifecycle.hold(job, Hold.USER, actor="ana")
    job.refresh_from_db()
    assert lifecycle.release(job, actor="ana")
    assert verify() == []
    assert making.place(job).attempt == 2


def test_a_job_that_is_held_is_at_the_attempt_of_its_last_event(station: Station) -> None:
    assert lifecycle.hold(making.placed(), Hold.USER, actor="ana")
    assert verify() == []


def test_what_a_job_gives_back_is_free_with_its_gpus(station: Station) -> None:
    making.ended(gpus=2)
    assert making.held_by(making.placed(gpus=2))[0].gpus == [0, 1]
    assert verify() == []


def test_a_job_is_given_no_secret(station: Station) -> None:
    running.active(station)
    assert verify() == []


def test_an_end_of_the_jobs_own_making_frees_nothing_while_it_lives(station: Station) -> None:
    job = running.active(station)
    running.kill(running.ticket_of(station.directory_of(job)).wrapper)
    told = running.run(Spool.open(station.spool.path.parent / "n2"), "true")
    assert told.exit_code == 0
    shutil.copy(station.spool.path.parent / "n2" / "1.1" / "exit.json", station.directory_of(job).path)
    assert not settle_pair(job.pk, job.attempt, station)
    assert verify() == []


def test_a_job_that_its_wrapper_did_not_end_is_gone_when_it_is_recorded(station: Station) -> None:
    job = running.active(station)
    assert end_overdue(job, station)
    assert verify() == []


def test_a_job_of_which_nothing_lives_is_settled(station: Station) -> None:
    job = running.active(station)
    ticket = running.ticket_of(station.directory_of(job))
    running.kill(ticket.wrapper, ticket.job)
    assert processes.kill_tree(station.directory_of(job).token, [])
    settle_pair(job.pk, job.attempt, station)
    assert verify() == []


def test_what_runs_again_runs_alone(station: Station) -> None:
    """The first run did not hear that it was given up; its machine was paused."""
    job = running.active(station, requeue=True, max_attempts=3)
    first = running.ticket_of(station.directory_of(job))
    running.give_up(job)
    Strays(station).sweep()
    making.node(cpus=8, gpus=2)
    Node.objects.update(service=Service.UP)
    again = making.place(job)
    assert lifecycle.start(again, boot_id=station.boot_id, spool_id=station.spool.spool_id, actor="n1")
    environment = {"PATH": os.defpath, "JOBSITE_TOKEN": station.directory_of(again).token}
    running.started(station.spool, running.WAITS, job_id=again.pk, attempt=2, environment=environment)
    assert "I3" not in {violation.invariant for violation in verify()}
    assert first.wrapper is not None
    assert not processes.is_alive(first.wrapper)


def test_what_a_running_job_has_in_the_spool_stays(station: Station, settings: Settings) -> None:
    settings.SPOOL_RETENTION = timedelta()
    job = running.active(station)
    running.kill(
        running.ticket_of(station.directory_of(job)).wrapper, running.ticket_of(station.directory_of(job)).job
    )
    assert processes.kill_tree(station.directory_of(job).token, [])
    Archive(station).sweep()
    assert "I5 (spool)" not in {violation.invariant for violation in verify()}
    settle_pair(job.pk, job.attempt, station)
    job.refresh_from_db()
    assert job.state == State.FAILED
