"""The agent between its sweeps: what it does at once, and what must not stop it."""

import json
from collections.abc import Callable
from dataclasses import asdict

import pytest

from jobs import lifecycle
from jobs.execution import processes
from jobs.execution.agent import NodeAgent
from jobs.execution.processes import Identity
from jobs.execution.records import Outcome
from jobs.execution.spool import Spool
from jobs.execution.station import Station
from jobs.models import Job, ResourceAllocation
from jobs.states import State
from tests.eventually import eventually
from tests.jobs.execution.conftest import Process

pytestmark = pytest.mark.django_db

Claim = Callable[[], Job]
ENDED = Outcome(
    exit_code=0,
    exit_signal=None,
    cause=None,
    launch_error=None,
    cpu_seconds=0.1,
    max_rss_kb=1024,
    wall_seconds=0.1,
)


@pytest.fixture
def agent(spool: Spool) -> NodeAgent:
    """One whose threads do not run: the test does what they do."""
    return NodeAgent("n1", spool, leave=pytest.fail)


def link_ticket(station: Station, job: Job, wrapper: Identity) -> None:
    """As if this process were wrapper and job."""
    pid, ticks = wrapper.pid, wrapper.start_ticks
    ticket = {"boot_id": wrapper.boot_id, "wrapper_pid": pid, "wrapper_ticks": ticks}
    content = json.dumps({**ticket, "pid": pid, "start_ticks": ticks})
    (station.directory_of(job).path / "ticket").write_text(content)


def test_a_cancel_that_found_the_job_in_a_threads_hands_is_done_as_soon_as_it_is_out_of_them(
    agent: NodeAgent, station: Station, claimed: Claim, marked: Callable[[str], Process]
) -> None:
    job = claimed()
    process = marked(station.directory_of(job).token)
    wrapper = processes.identify(process.pid)
    assert wrapper is not None
    link_ticket(station, job, wrapper)
    with agent.hands.taking((job.pk, job.attempt)):
        assert lifecycle.cancel(job, actor="ana")
        agent._stop_jobs()
        assert process.poll() is None
    agent.attend((job.pk, job.attempt))
    assert eventually(lambda: process.poll() is not None)
    assert (station.directory_of(job).path / "cancel").exists()


def test_a_job_that_cannot_be_settled_keeps_nobody_behind_it_from_its_end(
    agent: NodeAgent, station: Station, claimed: Claim
) -> None:
    odd, well = claimed(), claimed()
    for job in (odd, well):
        link_ticket(station, job, Identity(station.boot_id, 2**22, 1))
        (station.directory_of(job).path / "exit.json").write_text(json.dumps(asdict(ENDED)))
    ResourceAllocation.objects.filter(job=odd).delete()  # a hand in the database
    for job in (odd, well):
        agent._process_ended((job.pk, job.attempt))
    well.refresh_from_db()
    assert well.state == State.COMPLETED
