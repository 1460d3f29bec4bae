"""A node takes itself out of service while it should get no jobs, says why, and comes back by itself."""

import os
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from pytest_django import Settings

from jobs import fleet, lifecycle
from jobs.execution import processes
from jobs.execution.health import NEARLY_FULL, WELL, Health, clock_sentence, spool_troubles
from jobs.execution.settle import settle_pair
from jobs.execution.spool import Spool
from jobs.execution.station import Station
from jobs.execution.strays import Strays
from jobs.models import Job, Node, ResourceAllocation
from jobs.models.clock import from_now
from jobs.presentation.job import ShownJob
from jobs.states import Service, State
from tests import making
from tests.eventually import eventually
from tests.jobs.execution.conftest import Process
from tests.jobs.execution.test_agent import link_ticket

pytestmark = pytest.mark.django_db

MORE_THAN_ANY_DISK = 2**40
LONG_AGO = from_now(-timedelta(hours=1))


@pytest.fixture
def node() -> Node:
    return making.node()


@pytest.fixture
def health(station: Station, node: Node) -> Health:
    return Health(station, Strays(station))


def look(health: Health) -> Node:
    """The node after one look at its health."""
    health.look()
    return Node.objects.get()


def told() -> list[tuple[str, str, str]]:
    """The node's history after it was enrolled."""
    return list(Node.objects.get().events.values_list("actor", "kind", "message")[1:])


def test_a_node_whose_spool_is_nearly_full_takes_no_jobs_until_it_has_room(
    health: Health, settings: Settings
) -> None:
    """F29: once for each change, however often it looks."""
    settings.SPOOL_RESERVE_MB, enough = MORE_THAN_ANY_DISK, settings.SPOOL_RESERVE_MB
    for _ in range(2):
        drained = look(health)
    assert (drained.service, drained.service_by) == (Service.DRAIN, fleet.AGENT)
    assert drained.service_reason.startswith(NEARLY_FULL)
    settings.SPOOL_RESERVE_MB = enough
    assert (look(health).service, Node.objects.get().service_reason) == (Service.UP, "")
    assert told() == [
        (fleet.AGENT, "service DRAIN", drained.service_reason),
        (fleet.AGENT, "service UP", WELL),
    ]


def test_a_node_that_was_nearly_full_comes_back_with_twice_its_reserve(
    spool: Spool, settings: Settings
) -> None:
    disk = spool_free_mb(spool.path)
    settings.SPOOL_RESERVE_MB = disk * 3 // 4
    assert list(spool_troubles(spool, drained=False)) == []
    assert list(spool_troubles(spool, drained=True)) != []


def spool_free_mb(path: Path) -> int:
    disk = os.statvfs(path)
    return disk.f_bavail * disk.f_frsize // 2**20


def test_a_node_whose_spool_cannot_be_written_takes_no_jobs(station: Station, health: Health) -> None:
    """F30: a file system on which nobody can make a file."""
    station.spool = Spool(Path("/proc"), station.spool.spool_id)
    drained = look(health)
    assert drained.service == Service.DRAIN
    assert drained.service_reason.startswith("Its spool cannot be written: ")


@pytest.mark.parametrize("service", [Service.DOWN, Service.RECONCILING])
def test_a_node_that_is_down_or_reconciling_is_not_put_back_by_its_health(
    health: Health, settings: Settings, service: Service
) -> None:
    Node.objects.update(service=service, service_reason="lost", service_by="recovery")
    assert look(health).service == service
    settings.SPOOL_RESERVE_MB = MORE_THAN_ANY_DISK
    assert look(health).service == service


def test_what_an_operator_wants_is_not_the_agents_to_change(
    health: Health, node: Node, settings: Settings
) -> None:
    assert fleet.ask_for(node, Service.DRAIN, "new disk", actor="op")
    settings.SPOOL_RESERVE_MB, enough = MORE_THAN_ANY_DISK, settings.SPOOL_RESERVE_MB
    look(health)
    settings.SPOOL_RESERVE_MB = enough
    after = look(health)
    assert (after.service, after.wanted, after.wanted_reason) == (Service.UP, Service.DRAIN, "new disk")


def test_f50_a_process_that_outlives_its_kill_keeps_its_resources_and_its_node_from_new_jobs(
    health: Health, station: Station, claimed: Callable[[], Job], marked: Callable[[str], Process]
) -> None:
    """F50: the kill came to nothing; the job's page says so, and nothing of it is given to another."""
    job, process = stuck(station, claimed, marked)
    drained = look(health)
    assert drained.service_reason == f"Process {process.pid} outlives its KILL."
    job.refresh_from_db()
    assert job.state == State.RUNNING
    assert f"its process {process.pid} outlives KILL" in ShownJob(job, timezone.now()).explanation
    assert len(making.held_by(job)) == 1
    process.kill()
    eventually(lambda: process.poll() is not None)
    assert settle_pair(job.pk, job.attempt, station)
    assert look(health).service == Service.UP
    assert making.held_by(job) == []


def stuck(
    station: Station, claimed: Callable[[], Job], marked: Callable[[str], Process]
) -> tuple[Job, Process]:
    """A job whose end was asked for an hour ago, whose wrapper has gone, and whose process is still there."""
    job = claimed()
    process = marked(station.directory_of(job).token)
    identity = processes.identify(process.pid)
    assert identity is not None
    link_ticket(station, job, processes.Identity(station.boot_id, 2**22, 1), identity)
    assert lifecycle.cancel(job, actor="ana")
    Job.objects.update(submitted_at=LONG_AGO, placed_at=LONG_AGO, started_at=LONG_AGO)
    Job.objects.update(cancel_requested_at=LONG_AGO)
    return job, process


def test_a_row_that_a_hand_in_the_database_left_odd_hides_no_other_trouble(
    health: Health,
    station: Station,
    claimed: Callable[[], Job],
    marked: Callable[[str], Process],
    settings: Settings,
) -> None:
    job, _ = stuck(station, claimed, marked)
    ResourceAllocation.objects.filter(job=job).delete()
    settings.SPOOL_RESERVE_MB = MORE_THAN_ANY_DISK
    assert look(health).service_reason.startswith(NEARLY_FULL)


def test_a_job_that_is_being_stopped_has_its_grace_before_its_node_is_blamed(
    health: Health, station: Station, claimed: Callable[[], Job], marked: Callable[[str], Process]
) -> None:
    stuck(station, claimed, marked)
    Job.objects.update(cancel_requested_at=from_now(timedelta()))
    assert look(health).service == Service.UP


def test_a_stray_that_outlives_its_kill_keeps_its_node_from_new_jobs(
    station: Station, node: Node, marked: Callable[[str], Process], settings: Settings
) -> None:
    """F50: nobody's job any more, and still nobody's to give away."""
    settings.STALE_GRACE = timedelta()
    strays = Strays(station, kill=lambda *_: False)
    process = marked(station.directory_of(making.ended()).token)
    strays.sweep()
    strays.sweep()
    health = Health(station, strays)
    assert look(health).service_reason == f"Process {process.pid} outlives its KILL."
    process.kill()
    process.wait()
    assert look(health).service == Service.UP


@pytest.mark.parametrize(("ahead", "words"), [(62.4, "62 s ahead of"), (-3600.0, "3600 s behind")])
def test_a_clock_that_is_off_is_told_in_plain_words(ahead: float, words: str) -> None:
    assert words in clock_sentence(ahead)


def test_f60_a_nodes_clock_that_is_off_is_told_once_and_changes_nothing(
    health: Health, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F60: an hour ahead, and right again."""
    with monkeypatch.context() as shifted:
        shifted.setattr("jobs.execution.health.time.time", lambda: time.monotonic() - 10**9)
        assert [look(health).service for _ in range(2)] == [Service.UP] * 2
    look(health)
    first, last = [message for _, kind, message in told() if kind == "clock"]
    assert ("behind the database's" in first, last) == (True, "its clock is right")
