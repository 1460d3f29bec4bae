"""What wrappers are told of the renewals of their node's lease, and what a late one may not start."""

import math
from datetime import timedelta

import pytest

from jobs import lifecycle
from jobs.execution import launcher
from jobs.execution.launcher import Refused
from jobs.execution.lease import LeaseKeeper, LeaseLostError
from jobs.execution.order import prepare
from jobs.execution.renewals import Renewals, boottime
from jobs.execution.station import Station
from jobs.models import Job, Node, NodeLease
from jobs.states import Service
from tests import making
from tests.jobs.execution import running

pytestmark = pytest.mark.django_db


A_MILLISECOND = 0.001
"""It is told to the millisecond."""


@pytest.fixture
def renewals(station: Station) -> Renewals:
    return Renewals(station)


def renew(renewals: Renewals) -> None:
    renewals.begin()
    renewals.note()


def be_silent(station: Station, seconds: float) -> None:
    """The last renewal was so long ago."""
    content = f"{station.boot_id} {boottime() - seconds:020.3f}\n"
    (station.spool.path / "renewed").write_text(content)


def is_fenced(station: Station, job: Job) -> bool:
    ticket = station.directory_of(job).ticket()
    return ticket is not None and ticket.is_tombstone


def test_a_renewal_is_as_old_as_its_beginning(renewals: Renewals, station: Station) -> None:
    assert renewals.age() == math.inf
    renewals.begin()
    before = boottime()
    renewals.note()
    assert boottime() - before <= renewals.age() + A_MILLISECOND < running.LONG
    be_silent(station, 100)
    assert 100 <= renewals.age() + A_MILLISECOND < 100 + running.LONG


def test_a_renewal_that_was_written_down_late_is_as_old_as_it_is(renewals: Renewals) -> None:
    """Its agent was frozen in between."""
    renewals.begin()
    renewals._began -= 100
    renewals.note()
    assert 100 <= renewals.age() + A_MILLISECOND < 100 + running.LONG


@pytest.mark.parametrize("content", ["", "no time", "another-boot 1.0", "{boot} nan", "{boot} 1e15"])
def test_a_renewal_of_another_boot_or_of_none_is_infinitely_old(
    renewals: Renewals, station: Station, content: str
) -> None:
    (station.spool.path / "renewed").write_text(content.format(boot=station.boot_id))
    assert renewals.age() == math.inf


def test_after_a_long_silence_what_may_run_again_and_has_no_ticket_never_starts(
    renewals: Renewals, station: Station
) -> None:
    making.node(cpus=8)
    again, once = running.claimed(station, requeue=True), running.claimed(station)
    runs = running.launched(station, requeue=True)
    be_silent(station, 100)
    renew(renewals)
    assert (is_fenced(station, again), is_fenced(station, once), is_fenced(station, runs)) == (
        True,
        False,
        False,
    )
    directory = station.directory_of(again)
    prepare(again, directory)
    assert isinstance(launcher.launch(directory), Refused)


def test_after_a_short_silence_nothing_is_fenced(renewals: Renewals, station: Station) -> None:
    job = running.claimed(station, requeue=True)
    be_silent(station, 1)
    renew(renewals)
    assert not is_fenced(station, job)


def test_a_job_of_another_spool_is_not_fenced_in_this_one(renewals: Renewals, station: Station) -> None:
    job = making.placed(requeue=True)
    assert lifecycle.start(job, boot_id="b", spool_id="another", actor="n1")
    renew(renewals)
    assert not station.directory_of(job).exists()


def test_a_lease_that_is_taken_and_renewed_is_told_of_and_a_lost_one_is_not(
    renewals: Renewals, station: Station
) -> None:
    here = {"boot_id": station.boot_id, "spool_id": station.spool.spool_id, "lease": timedelta(minutes=1)}
    keeper = LeaseKeeper(making.node(), **here, renewals=renewals)  # type: ignore[arg-type]
    NodeLease.objects.all().delete()
    for act in (keeper.take, lambda: keeper.renew(hears_broker=True)):
        be_silent(station, 100)
        act()
        assert renewals.age() < 100
    be_silent(station, 100)
    NodeLease.objects.update(incarnation=7)
    with pytest.raises(LeaseLostError):
        keeper.renew(hears_broker=True)
    assert renewals.age() >= 100


def test_a_node_that_was_given_up_while_no_clock_here_went_on_starts_nothing_of_what_was(
    renewals: Renewals, station: Station
) -> None:
    """F64: its virtual machine was paused."""
    here = {"boot_id": station.boot_id, "spool_id": station.spool.spool_id, "lease": timedelta(minutes=1)}
    node = making.node(cpus=8)
    keeper = LeaseKeeper(node, **here, renewals=renewals)  # type: ignore[arg-type]
    NodeLease.objects.all().delete()
    assert keeper.take()
    assert not keeper.renew(hears_broker=True)
    job = running.claimed(station, requeue=True)
    assert not keeper.renew(hears_broker=True)
    assert not is_fenced(station, job)
    Node.objects.update(service=Service.DOWN)
    assert keeper.renew(hears_broker=True)
    assert is_fenced(station, job)


def test_the_next_agent_of_a_node_that_was_given_up_starts_nothing_of_what_was(
    renewals: Renewals, station: Station
) -> None:
    """F64: its virtual machine was paused, its worker killed, and the next one begins."""
    here = {"boot_id": station.boot_id, "spool_id": station.spool.spool_id, "lease": timedelta(minutes=1)}
    node = making.node(cpus=8)
    NodeLease.objects.all().delete()
    earlier = LeaseKeeper(node, **here, renewals=renewals)  # type: ignore[arg-type]
    assert earlier.take()
    assert not earlier.renew(hears_broker=True)
    job = running.claimed(station, requeue=True)
    Node.objects.update(service=Service.DOWN)
    assert not is_fenced(station, job)
    assert LeaseKeeper(node, **here, renewals=renewals).take()  # type: ignore[arg-type]
    assert is_fenced(station, job)


def test_a_file_that_cannot_be_written_costs_the_wrappers_their_news_and_not_the_node_its_lease(
    renewals: Renewals, station: Station, caplog: pytest.LogCaptureFixture
) -> None:
    (station.spool.path / "renewed").mkdir()
    renew(renewals)
    assert "wrappers cannot be told" in caplog.text
