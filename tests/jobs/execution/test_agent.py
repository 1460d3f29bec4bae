"""The agent between its sweeps: what it does at once, and what must not stop it."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from threading import Event, Thread

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from jobs import lifecycle, messages
from jobs.execution import processes, runner
from jobs.execution.agent import NodeAgent
from jobs.execution.processes import Identity
from jobs.execution.records import Outcome
from jobs.execution.settle import identities_of
from jobs.execution.signals import sweep_due
from jobs.execution.spool import Spool
from jobs.execution.station import Station
from jobs.models import Job, Node, NodeLease, ResourceAllocation
from jobs.models.clock import ClockTimestamp
from jobs.states import EventKind, Evidence, Reason, Service, State
from tests import making
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


def link_ticket(station: Station, job: Job, wrapper: Identity, process: Identity | None = None) -> None:
    """As if these were wrapper and job. Without a process, the wrapper is both."""
    process = process or wrapper
    ticket = {"boot_id": wrapper.boot_id, "wrapper_pid": wrapper.pid, "wrapper_ticks": wrapper.start_ticks}
    content = json.dumps({**ticket, "pid": process.pid, "start_ticks": process.start_ticks})
    (station.directory_of(job).path / "ticket").write_text(content)


def supervised(station: Station, claimed: Claim, marked: Callable[[str], Process]) -> tuple[Job, Process]:
    """A job that runs, and the process that is its wrapper."""
    job = claimed()
    process = marked(station.directory_of(job).token)
    wrapper = processes.identify(process.pid)
    assert wrapper is not None
    link_ticket(station, job, wrapper)
    return job, process


def test_a_cancel_that_found_the_job_in_a_threads_hands_is_done_as_soon_as_it_is_out_of_them(
    agent: NodeAgent, station: Station, claimed: Claim, marked: Callable[[str], Process]
) -> None:
    job, process = supervised(station, claimed, marked)
    with agent.hands.taking((job.pk, job.attempt)):
        assert lifecycle.cancel(job, actor="ana")
        agent.ends.stop_jobs()
        assert process.poll() is None
    agent.ends.attend((job.pk, job.attempt))
    assert eventually(lambda: process.poll() is not None)
    assert (station.directory_of(job).path / "cancel").exists()


def test_a_cancel_does_not_wait_behind_a_sweep(
    agent: NodeAgent, station: Station, claimed: Claim, marked: Callable[[str], Process]
) -> None:
    job, process = supervised(station, claimed, marked)
    assert lifecycle.cancel(job, actor="ana")
    with stuck_sweep(agent):
        agent._obey(messages.RECOVER)
        agent._obey(messages.STOP)
        assert eventually(lambda: process.poll() is not None)


@contextmanager
def stuck_sweep(agent: NodeAgent) -> Iterator[None]:
    """A thread of the agent's that sweeps and does not come to an end."""
    begun, over = Event(), Event()

    def sticks(**_: object) -> None:
        begun.set()
        over.wait(60)
        raise InterruptedError("so that its thread hangs up")

    thread = Thread(target=agent.sweeps.run)
    sweep_due.connect(sticks)
    try:
        thread.start()
        assert begun.wait(60)
        yield
    finally:
        agent.sweeps.stop()
        over.set()
        thread.join()
        sweep_due.disconnect(sticks)


def test_a_job_that_ends_just_when_the_sweep_has_looked_at_it_need_not_wait_for_the_next_sweep(
    agent: NodeAgent, station: Station, claimed: Claim, marked: Callable[[str], Process]
) -> None:
    job, process = supervised(station, claimed, marked)
    identities = identities_of(station.ticket_of(job))
    assert identities is not None
    assert lifecycle.activate(job, identities, note="", actor="n1")

    def ends(**_: object) -> None:
        process.kill()
        process.wait()

    sweep_due.connect(ends)
    try:
        agent._obey(messages.SWEEP)
        assert agent.sweeps.one()
    finally:
        sweep_due.disconnect(ends)
    job.refresh_from_db()
    assert job.reason == Reason.SUPERVISOR_LOST


def test_a_machine_that_is_refused_a_nodes_name_leaves_the_nodes_size_alone(
    agent: NodeAgent, settings: Settings
) -> None:
    """F67: it has no say there."""
    making.node(cpus=2)
    settings.NODE_CPUS = 64
    assert not agent._take_lease()
    assert Node.objects.get().cpus == 2
    NodeLease.objects.update(lease_until=ClockTimestamp())
    assert agent._take_lease()
    assert Node.objects.get().cpus == 64


def test_each_sweep_but_a_rehearsal_looks_after_the_nodes_health_and_what_ended_jobs_left(
    agent: NodeAgent, station: Station, claimed: Claim, settings: Settings
) -> None:
    settings.SPOOL_RESERVE_MB = 2**40
    lost = claimed()
    (station.directory_of(lost).path / "exit.json").write_text(json.dumps(asdict(ENDED)))
    assert lifecycle.lose(lost, Reason.NODE_FAIL, "lost", evidence=Evidence.NONE, actor="op")
    seen = []
    for verb in (messages.REHEARSE, messages.SWEEP):
        agent._obey(verb)
        assert agent.sweeps.one()
        seen.append((Node.objects.get().service, lost.events.filter(kind=EventKind.LATE_RESULT).count()))
    assert seen == [(Service.UP, 0), (Service.DRAIN, 1)]


def test_f30_an_agent_whose_spool_is_gone_leaves_and_speaks_for_its_node_no_more(spool: Spool) -> None:
    """F30: its lease runs out, and nobody gives its node another job."""
    said: list[str] = []
    agent = NodeAgent("n1", spool, leave=said.append)
    assert agent._take_lease()
    before = NodeLease.objects.get().lease_until
    elsewhere = spool.path.rename(spool.path.with_name("elsewhere"))
    assert not agent._renew(hears_broker=True)
    assert (said, NodeLease.objects.get().lease_until) == (["its spool is gone"], before)
    elsewhere.rename(spool.path)


def test_a_job_that_cannot_be_settled_keeps_nobody_behind_it_from_its_end(
    agent: NodeAgent, station: Station, claimed: Claim
) -> None:
    odd, well = claimed(), claimed()
    for job in (odd, well):
        link_ticket(station, job, Identity(station.boot_id, 2**22, 1))
        (station.directory_of(job).path / "exit.json").write_text(json.dumps(asdict(ENDED)))
    ResourceAllocation.objects.filter(job=odd).delete()  # a hand in the database
    for job in (odd, well):
        agent.ends.note((job.pk, job.attempt))
    well.refresh_from_db()
    assert well.state == State.COMPLETED


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("odd", [False, True])
def test_ends_that_come_together_are_recorded_in_one_transaction_or_one_by_one_around_an_odd_one(
    agent: NodeAgent, station: Station, claimed: Claim, odd: bool
) -> None:
    jobs = [claimed() for _ in range(2)]
    for job in jobs:
        link_ticket(station, job, Identity(station.boot_id, 2**22, 1))
        (station.directory_of(job).path / "exit.json").write_text(json.dumps(asdict(ENDED)))
    if odd:
        ResourceAllocation.objects.filter(job=jobs[0]).delete()  # a hand in the database
    with CaptureQueriesContext(connection) as queries:
        agent.ends.note(*((job.pk, job.attempt) for job in jobs))
    written = Job.objects.filter(state=State.COMPLETED).values_list("pk", flat=True)
    assert set(written) == {job.pk for job in jobs[odd:]}
    commits = [query for query in queries if query["sql"].startswith("COMMIT")]
    assert len(commits) == 1


def test_a_job_that_lives_is_not_recorded_with_those_that_have_ended(
    agent: NodeAgent, station: Station, claimed: Claim, marked: Callable[[str], Process]
) -> None:
    """A job can write such a file itself, and get rid of its wrapper."""
    lives, ended = claimed(), claimed()
    living = processes.identify(marked(station.directory_of(lives).token).pid)
    assert living is not None
    gone = Identity(station.boot_id, 2**22, living.start_ticks)
    for job in (lives, ended):
        link_ticket(station, job, gone)
        (station.directory_of(job).path / "exit.json").write_text(json.dumps(asdict(ENDED)))
    agent.ends.note(*((job.pk, job.attempt) for job in (lives, ended)))
    states = [Job.objects.get(pk=job.pk).state for job in (lives, ended)]
    assert states == [State.RUNNING, State.COMPLETED]


def test_f32_a_database_put_back_gives_no_number_of_this_nodes_jobs_again(
    agent: NodeAgent, spool: Spool
) -> None:
    """F32: the spool remembers jobs that the database does not know."""
    forgotten = making.queued().pk + 3000
    assert spool.attempt(forgotten, 1).make()
    assert agent._take_lease()
    assert making.queued().pk > forgotten


def test_f32_a_number_that_somebody_made_up_is_not_believed(agent: NodeAgent, spool: Spool) -> None:
    """F32: a directory like that would leave no numbers for anybody."""
    last = making.queued().pk
    assert spool.attempt(2**62, 1).make()
    assert agent._take_lease()
    assert making.queued().pk < last + 100


def test_f32_a_number_that_somebody_made_up_hides_none_that_was_had(agent: NodeAgent, spool: Spool) -> None:
    """F32: those that can be true are believed."""
    forgotten = making.queued().pk + 3000
    for number in (2**62, forgotten, 3):
        assert spool.attempt(number, 1).make()
    assert agent._take_lease()
    assert making.queued().pk > forgotten


def put_back(to: int) -> None:
    """The database is as it was when its newest job had this number."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT setval(pg_get_serial_sequence('jobs_job', 'id'), %s)", [to])


def test_f32_a_database_put_back_under_a_living_agent_gives_no_number_of_its_spool_again(
    agent: NodeAgent, spool: Spool
) -> None:
    """F32: the agent holds its lease in the older copy too, and renews it."""
    last = making.queued().pk
    assert spool.attempt(last + 3000, 1).make()
    assert agent._take_lease()
    put_back(last)
    assert agent._renew(hears_broker=True)
    assert making.queued().pk > last + 3000


def test_f32_a_database_put_back_under_a_living_agent_gives_no_number_again_that_it_has_claimed(
    agent: NodeAgent,
) -> None:
    """F32: it looks into its spool when it starts, and no more."""
    last = making.queued().pk
    put_back(last + 3000)
    assert agent._take_lease()
    assert agent._renew(hears_broker=True)
    job = making.placed()
    assert runner._claim((job.pk, job.attempt), agent)
    put_back(last)
    assert agent._renew(hears_broker=True)
    assert making.queued().pk > job.pk
