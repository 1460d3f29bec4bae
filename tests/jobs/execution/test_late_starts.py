"""A node wakes up after a long silence: what others have given up meanwhile does not start there any more."""

from collections.abc import Callable
from pathlib import Path

import pytest

from jobs.execution import launcher, runner
from jobs.execution.agent import NodeAgent
from jobs.execution.hands import Hands
from jobs.execution.launcher import Refused
from jobs.execution.order import GivenUpError, prepare
from jobs.execution.reconciliation import Reconciliation
from jobs.execution.renewals import Renewals
from jobs.execution.spool import AttemptDirectory, Spool
from jobs.execution.station import Station
from jobs.execution.strays import Strays
from jobs.models import Job, Node, ResourceAllocation
from jobs.states import Service
from tests import making
from tests.eventually import eventually
from tests.jobs.execution import running

pytestmark = pytest.mark.django_db


def placed(spool: Spool) -> Job:
    """One that may run again, and tells where it ran."""
    work_dir = str(spool.path.parent)
    return making.placed(script="#!/bin/sh\ntouch ran\n", requeue=True, max_attempts=3, work_dir=work_dir)


def given_up(job: Job) -> None:
    """While its node was silent, others have given it up, and it waits to be run again."""
    job.refresh_from_db()
    running.give_up(job)
    assert not making.held_by(job)


def wake(agent: NodeAgent) -> None:
    """The lease is renewed first, and the wrappers are told."""
    running.tell_renewal(agent.station.spool, ago=100)
    agent.lease.renew(hears_broker=True)


def ran(spool: Spool) -> bool:
    return (spool.path.parent / "ran").exists()


@pytest.mark.parametrize("patience", [60, 0])
def test_f37_a_worker_that_froze_between_claim_and_launch_starts_nothing_that_was_given_up(
    agent: NodeAgent, spool: Spool, patience: float
) -> None:
    """F37: its lease is renewed before the launch goes on, also when it has had the job for too long."""
    agent.hands._patience = patience
    job = placed(spool)
    pair = (job.pk, job.attempt)
    with agent.hands.taking(pair):
        claimed = runner._claim(pair, agent)
        assert claimed is not None
        given_up(job)
        wake(agent)
        assert not runner._launch(claimed, agent)
    assert running.ticket_of(spool.attempt(*pair)).is_tombstone
    assert not ran(spool)


def frozen(agent: NodeAgent, spool: Spool) -> AttemptDirectory:
    """Claimed, prepared, and given up by others before its wrapper has done anything."""
    job = placed(spool)
    pair = (job.pk, job.attempt)
    claimed = runner._claim(pair, agent)
    assert claimed is not None
    directory = spool.attempt(*pair)
    assert directory.make()
    prepare(claimed, directory)
    given_up(job)
    return directory


def test_f37_a_wrapper_that_was_frozen_before_its_ticket_starts_nothing_that_was_given_up(
    agent: NodeAgent, spool: Spool
) -> None:
    """F37: no thread has it in hand any more."""
    directory = frozen(agent, spool)
    wake(agent)
    assert isinstance(launcher.launch(directory), Refused)
    assert not ran(spool)


def test_f37_a_wrapper_of_an_agent_that_died_starts_nothing_that_was_given_up(
    agent: NodeAgent, spool: Spool
) -> None:
    """F37: the next agent takes the lease, and knows only the spool."""
    directory = frozen(agent, spool)
    running.tell_renewal(spool, ago=100)
    assert NodeAgent("n1", spool, leave=pytest.fail)._take_lease()
    assert isinstance(launcher.launch(directory), Refused)
    assert not ran(spool)


def test_f37_what_was_given_up_is_not_even_prepared(agent: NodeAgent, spool: Spool) -> None:
    """F37: whether or not its ticket is there already."""
    job = placed(spool)
    claimed = runner._claim((job.pk, job.attempt), agent)
    assert claimed is not None
    given_up(job)
    directory = agent.station.directory_of(claimed)
    assert not runner._launch(claimed, agent)
    with pytest.raises(GivenUpError, match="it is not launched"):
        prepare(claimed, directory)
    assert list(directory.path.iterdir()) == []


def test_what_is_in_hand_and_not_claimed_yet_starts_after_a_silence(agent: NodeAgent, spool: Spool) -> None:
    job = placed(spool)
    pair = (job.pk, job.attempt)
    with agent.hands.taking(pair):
        wake(agent)
        assert runner._begin(pair, agent)
    running.outcome_of(spool.attempt(*pair))
    assert ran(spool)


def test_of_what_was_given_up_only_what_could_still_start_is_fenced(spool: Spool) -> None:
    """All that ever was returned before its start would be too much to fence at each renewal."""
    station = Station("n1", spool, hands=Hands(60))
    job = running.claimed(station, requeue=True, max_attempts=3)
    running.give_up(job)
    running.tell_renewal(spool, ago=100)
    Renewals(station).begin()
    assert ResourceAllocation.objects.without_ticket("n1", spool.spool_id).released().count() == 1
    assert list(spool.attempts()) == []


def test_a_job_that_lost_its_ticket_while_it_ran_is_no_late_start(station: Station) -> None:
    job = running.active(station, requeue=True)
    ticket = station.directory_of(job).path / "ticket"
    ticket.unlink()
    running.tell_renewal(station.spool, ago=100)
    Renewals(station).begin()
    assert not ticket.exists()


def put_a_file(directory: Path) -> None:
    directory.write_text("no directory")


def put_a_dangling_link(directory: Path) -> None:
    directory.symlink_to("nowhere")


def put_a_torn_ticket(directory: Path) -> None:
    directory.mkdir()
    (directory / "ticket").write_text("{")


def put_a_link_as_ticket(directory: Path) -> None:
    directory.mkdir()
    (directory / "ticket").symlink_to("ticket")


ODD = (put_a_file, put_a_dangling_link, put_a_torn_ticket, put_a_link_as_ticket)


@pytest.mark.parametrize("put", ODD)
def test_what_a_job_made_of_its_directory_stops_neither_a_renewal_nor_the_fence_of_others(
    agent: NodeAgent, spool: Spool, put: Callable[[Path], None]
) -> None:
    making.node(cpus=8)
    odd, well = (running.claimed(agent.station, requeue=True) for _ in range(2))
    put(agent.station.directory_of(odd).path)
    wake(agent)
    assert Renewals(agent.station).age() < 100
    assert running.ticket_of(agent.station.directory_of(well)).is_tombstone


def test_f65_a_ticket_that_cannot_be_read_keeps_no_node_from_its_return(station: Station) -> None:
    """F65: its attempt had ended before its start was recorded."""
    job = running.launched(station, "true")
    directory = station.directory_of(job)
    running.outcome_of(directory)
    (directory.path / "ticket").write_text("{")
    running.give_up(job)
    reconciliation = Reconciliation(station, Strays(station))

    def is_up() -> bool:
        reconciliation.look()
        return Node.objects.get().service == Service.UP

    eventually(is_up, within=running.LONG)


def test_nothing_is_renewed_while_the_tombstone_cannot_be_linked(agent: NodeAgent, spool: Spool) -> None:
    running.claimed(agent.station, requeue=True)
    (spool.path / "tombstone").unlink()
    with pytest.raises(FileNotFoundError):
        wake(agent)
    assert Renewals(agent.station).age() >= 100
