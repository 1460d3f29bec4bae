"""Killed at the worst moment: between two steps of which each would be harmless alone."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import psycopg
import pytest
from django.conf import settings
from django.db import connection

from jobs.execution import processes, procfs
from jobs.execution.order import prepare
from jobs.execution.spool import AttemptDirectory, Spool
from jobs.execution.station import Station
from jobs.models import Job
from jobs.models.clock import database_now
from jobs.states import Evidence, Reason, State
from recovery.strategies.orphan import OrphanJobRecoveryStrategy
from tests import making
from tests.eventually import eventually
from tests.jobs.execution import running
from tests.outbox import Outbox
from tests.races.duel import elsewhere, somebody_waits
from tests.session import ROOT

pytestmark = pytest.mark.django_db(transaction=True)

DIES_AFTER_ITS_TICKET = "link = Attempt._link_ticket; Attempt._link_ticket = lambda self: die(link(self))"
DIES_BEFORE_IT_TELLS = "Attempt.record = die"
DYING = (
    f"import os, sys; sys.path.insert(0, {str(ROOT)!r}); os.chdir(sys.argv[1])\n"
    "from jobs.execution import wrapper; from jobs.execution.attempt import Attempt\n"
    f"def die(_): os.kill(os.getpid(), {int(signal.SIGKILL)})\n"
)


@pytest.fixture(autouse=True)
def _node(transactional_db: None, outbox: Outbox) -> None:
    making.node(cpus=64)


def sweep(station: Station) -> None:
    OrphanJobRecoveryStrategy(station).sweep(database_now(), dry_run=False)


def with_a_wrapper_that(dies: str, station: Station, script: str) -> tuple[Job, AttemptDirectory]:
    """A claimed job whose wrapper has been killed at this point."""
    running.tell_renewal(station.spool)
    job = running.claimed(station, script, work_dir=str(station.spool.path.parent))
    directory = station.directory_of(job)
    assert directory.make()
    prepare(job, directory, cages=station.cages)
    command = [sys.executable, "-I", "-S", "-c", f"{DYING}{dies}; wrapper.run()", str(directory.path)]
    environment = {"PATH": os.defpath, procfs.MARKER: directory.token}
    ended = subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=False)
    assert ended.returncode == -signal.SIGKILL
    eventually(lambda: running.gone(station, job), within=running.LONG, what="the end of the job")
    return job, directory


def test_f36_a_wrapper_killed_right_after_its_ticket_runs_nothing_and_the_job_is_not_run_again(
    station: Station,
) -> None:
    """F36: nobody can know that its program never began, so its row says that its supervisor is lost."""
    job, directory = with_a_wrapper_that(DIES_AFTER_ITS_TICKET, station, "echo ran")
    assert not running.ticket_of(directory).is_tombstone
    sweep(station)
    job.refresh_from_db()
    assert (job.state, job.reason, running.said(directory)) == (State.FAILED, Reason.SUPERVISOR_LOST, "")
    assert making.held_by(job) == []


def test_f41_a_wrapper_killed_before_it_tells_of_the_end_leaves_no_invented_code(station: Station) -> None:
    """F41: the job ended with 0, and nobody is left who knows."""
    job, directory = with_a_wrapper_that(DIES_BEFORE_IT_TELLS, station, "echo ran")
    sweep(station)
    job.refresh_from_db()
    assert running.said(directory) == "ran\n"
    assert (job.state, job.reason, job.exit_code) == (State.FAILED, Reason.SUPERVISOR_LOST, None)
    assert job.evidence == Evidence.ABSENCE


@pytest.fixture
def ended(station: Station) -> Callable[[], Job]:
    def make() -> Job:
        job = running.launched(station, "exit 7")
        running.outcome_of(station.directory_of(job))
        return job

    return make


@pytest.fixture
def somebody() -> Iterator["psycopg.Connection[object]"]:
    """Another session of the database."""
    with psycopg.connect(settings.LISTEN_DATABASE_URL, autocommit=True) as made:
        yield made


def test_f42_an_end_whose_session_was_cut_before_the_commit_is_recorded_by_the_next_sweep(
    station: Station, ended: Callable[[], Job], somebody: "psycopg.Connection[object]"
) -> None:
    """F42: half of it was written, and none of it stays."""
    job = ended()
    with somebody.transaction():
        somebody.execute("SELECT 1 FROM jobs_resourceallocation WHERE job_id = %s FOR UPDATE", [job.pk])
        with elsewhere(lambda: sweep(station)):
            eventually(somebody_waits, what="the sweep, between its two writes")
            somebody.execute("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE NOT granted")
    assert Job.objects.running().filter(pk=job.pk).exists()
    sweep(station)
    assert told_once(job)


def test_f42_an_end_whose_session_was_cut_after_the_commit_is_recorded_once(
    station: Station, ended: Callable[[], Job], somebody: "psycopg.Connection[object]"
) -> None:
    """F42: whoever comes next finds nothing to do."""
    job = ended()
    sweep(station)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        session = cursor.fetchone()
    somebody.execute("SELECT pg_terminate_backend(%s)", session)
    connection.close()
    sweep(station)
    assert told_once(job)


def told_once(job: Job) -> bool:
    """Its true code, one event of its end, and nothing held."""
    job.refresh_from_db()
    assert (job.state, job.exit_code) == (State.FAILED, 7)
    assert job.events.filter(kind="finished").count() == 1
    return making.held_by(job) == []


def test_f45_jobs_that_are_over_before_their_start_was_recorded_have_completed(station: Station) -> None:
    """F45: twenty at a time; their tickets tell who they were."""
    jobs = [running.launched(station, "#!/bin/true\n") for _ in range(20)]
    for job in jobs:
        assert running.outcome_of(station.directory_of(job)).exit_code == 0
    sweep(station)
    assert set(Job.objects.values_list("state", "phase", "exit_code")) == {(State.COMPLETED, "DONE", 0)}


def test_f64_a_node_that_was_suspended_beyond_a_jobs_limit_ends_it_as_soon_as_it_wakes(
    spool: Spool,
) -> None:
    """F64: the limit's clock went on; wrapper and job were both stopped."""
    directory = running.started(spool, "echo up; exec sleep 600", time_limit_seconds=1.0)
    running.until_said(directory, "up")
    ticket = running.ticket_of(directory)
    both = [identity for identity in (ticket.wrapper, ticket.job) if identity is not None]
    for identity in both:
        processes.send(identity, signal.SIGSTOP)
    begun = time.monotonic()
    eventually(lambda: time.monotonic() - begun > 1.5, what="the end of the limit")
    for identity in both:
        processes.send(identity, signal.SIGCONT)
    outcome = running.outcome_of(directory)
    assert (len(both), outcome.cause) == (2, "limit")
    assert 1.5 <= outcome.wall_seconds < 1.5 + 5
