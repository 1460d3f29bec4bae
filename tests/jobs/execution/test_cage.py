"""A job inside its control group, and what becomes of it there; the same without one, where that differs."""

import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from pytest_django import Settings

from jobs import lifecycle, states
from jobs.execution import cage, processes
from jobs.execution.settle import end_overdue, examine, settle
from jobs.execution.spool import Spool
from jobs.execution.station import Station
from jobs.execution.strays import Strays
from jobs.execution.verdict import Verdict
from jobs.models import Job
from jobs.states import EventKind, Evidence, Reason
from tests import making
from tests.eventually import eventually
from tests.jobs.execution import running
from tests.jobs.execution.tiers import CAGED, TIERS, station_of

pytestmark = pytest.mark.django_db

FORGETFUL = "env -i setsid sh -c 'echo $$ >daemon; exec sleep 600' & wait"
"""A daemon in a session of its own, without the marker."""


HOPS = 'import os; os.write(1, b"hops"); any(os.fork() and os._exit(0) for _ in iter(int, 1))'


@pytest.fixture(params=TIERS)
def tier(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def station(spool: Spool, tier: str) -> Iterator[Station]:
    with station_of(spool, tier) as station:
        yield station


def daemon_of(station: Station) -> processes.Identity:
    """The daemon of the one job that runs here."""
    file = station.spool.path.parent / "daemon"
    eventually(lambda: file.exists() and file.read_text().endswith("\n"), within=running.LONG)
    found = processes.identify(int(file.read_text()))
    assert found is not None
    return found


def deserted(station: Station) -> tuple[Job, processes.Identity]:
    """A job whose wrapper and script were killed, and the daemon that is left of it."""
    job = running.active(station, FORGETFUL)
    daemon = daemon_of(station)
    ticket = running.ticket_of(station.directory_of(job))
    running.kill(ticket.wrapper, ticket.job)
    return job, daemon


def test_a_job_is_in_its_group_from_its_first_program_on(station: Station, tier: str) -> None:
    job = running.active(station, "sleep 600")
    directory = station.directory_of(job)
    ticket = running.ticket_of(directory)
    assert ticket.job is not None
    pid, group = ticket.job.pid, directory.group()
    assert bool(group) == (tier == CAGED)
    eventually(lambda: (pid in cage.pids(group)) == (tier == CAGED), within=running.LONG)


def test_f48_a_daemon_without_marker_and_wrapper_is_found_where_there_are_groups(
    station: Station, tier: str
) -> None:
    """F48: the wrapper is killed too. A group keeps the daemon; without one its page admits the gap."""
    job, daemon = deserted(station)
    if tier == CAGED:
        assert examine(job, station) is Verdict.ADOPT
        assert end_overdue(job, station)
        assert not processes.is_alive(daemon)
        job.refresh_from_db()
        assert (job.reason, job.evidence) == (Reason.TIME_LIMIT, Evidence.ABSENCE)
    else:
        assert examine(job, station) is Verdict.SUPERVISOR_LOST
        assert "can be left" in making.held_by(job)[0].enforcement["processes"]["sentence"]
        running.kill(daemon)


def test_f48_what_lives_in_the_group_of_an_ended_job_is_a_stray(
    station: Station, tier: str, settings: Settings
) -> None:
    """F48: nobody knows the daemon by marker or parent, so only its group tells whose it is."""
    job, daemon = deserted(station)
    assert lifecycle.lose(job, Reason.SUPERVISOR_LOST, "gone", evidence=Evidence.ABSENCE, actor="n1")
    strays = Strays(station)
    settings.STALE_GRACE = timedelta()
    strays.sweep()
    strays.sweep()
    assert processes.is_alive(daemon) == (tier != CAGED)
    assert job.events.filter(kind=EventKind.STRAY_KILLED).exists() == (tier == CAGED)
    strays.sweep()
    assert list(station.caged()) == []
    running.kill(daemon)


def test_f48_a_stray_that_forks_and_leaves_in_a_loop_is_killed_with_its_group(
    spool: Spool, settings: Settings
) -> None:
    """F48: it is never the same process at two looks, and carries no marker."""
    settings.STALE_GRACE = timedelta(milliseconds=200)
    forgets = "env -i" if CAGED in TIERS else ""
    with station_of(spool, TIERS[-1]) as station:
        job = running.active(station, f"{forgets} setsid {sys.executable} -I -S -c '{HOPS}' & wait")
        running.until_said(station.directory_of(job), "hops")
        ticket = running.ticket_of(station.directory_of(job))
        running.kill(ticket.wrapper, ticket.job)
        assert lifecycle.lose(job, Reason.SUPERVISOR_LOST, "gone", evidence=Evidence.ABSENCE, actor="n1")
        eventually(Strays(station).sweep, within=running.LONG)
        assert not cage.is_populated(station.group_of((job.pk, 1)))
        assert running.gone(station, job)


def test_the_group_of_a_job_that_ended_is_removed(station: Station) -> None:
    job = running.active(station, "mkdir below 2>/dev/null; exit 3")
    directory = station.directory_of(job)
    assert running.outcome_of(directory).exit_code == 3
    eventually(lambda: not (directory.group() and Path(directory.group()).exists()), within=running.LONG)
    assert settle(job, station)


def test_a_job_that_cannot_enter_its_group_does_not_run_and_says_so(spool: Spool) -> None:
    outcome = running.run(spool, "echo ran", cgroup="/sys/fs/cgroup/no-such-group")
    assert "No such file" in str(outcome.launch_error)
    assert running.said(spool.attempt(1, 1)) == ""


def test_two_jobs_are_bound_to_different_cpus_where_there_are_enough(station: Station) -> None:
    making.node("n1", cpus=2)
    shows = "grep Cpus_allowed_list /proc/self/status; sleep 600"
    jobs = [running.active(station, shows) for _ in station.containment.facts.cpus]
    for job in jobs:
        running.until_said(station.directory_of(job), "\n")
    bound = [running.said(station.directory_of(job)).split()[1] for job in jobs]
    assert bound == [str(cpu) for cpu in station.containment.facts.cpus]
    assert [making.held_by(job)[0].cpu_indices for job in jobs] == [[int(cpu)] for cpu in bound]


def test_a_running_jobs_group_is_left_alone_by_the_sweep(station: Station) -> None:
    job = running.active(station)
    Strays(station).sweep()
    assert examine(job, station) is Verdict.HEALTHY
    assert job.step == states.ACTIVE
    assert not running.gone(station, job)
