"""What a worker does with a message that is not for it, comes late, or comes twice: nothing."""

import pytest
from celery.exceptions import Ignore
from django.db import DatabaseError, connection

from jobs import lifecycle
from jobs.execution import agents, runner
from jobs.execution.agent import NodeAgent
from jobs.models import Job
from jobs.states import Phase
from tests import making

pytestmark = pytest.mark.django_db


def claim(agent: NodeAgent, job: Job, attempt: int | None = None) -> Job | None:
    return runner._claim((job.pk, attempt or job.attempt), agent)


def phase(job: Job) -> str:
    job.refresh_from_db()
    return job.phase


def test_a_placed_job_of_this_node_is_claimed_once(agent: NodeAgent) -> None:
    job = making.placed()
    assert claim(agent, job) == job
    assert claim(agent, job) is None
    assert phase(job) == Phase.STARTING


def test_the_message_of_an_earlier_attempt_claims_nothing(agent: NodeAgent) -> None:
    job = making.placed()
    lifecycle.return_to_queue(job, "drained", actor="op")
    job = making.place(job)
    assert claim(agent, job, attempt=1) is None
    assert phase(job) == Phase.PLACED


def test_a_message_that_came_to_another_node_claims_nothing(agent: NodeAgent) -> None:
    job = making.placed()
    agent.station.node_name = "n2"
    assert claim(agent, job) is None
    assert phase(job) == Phase.PLACED


def test_without_the_nodes_lease_nothing_is_claimed(agent: NodeAgent) -> None:
    job = making.placed()
    agent.lease.give_up()
    assert claim(agent, job) is None
    assert phase(job) == Phase.PLACED


def test_who_does_not_know_whether_a_claim_was_committed_reads_the_row_again(
    agent: NodeAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = making.placed()
    start = lifecycle.start

    def committed_and_cut_off(*args: object, **options: object) -> bool:
        start(*args, **options)  # type: ignore[arg-type]
        raise DatabaseError("the connection was lost")

    monkeypatch.setattr(lifecycle, "start", committed_and_cut_off)
    monkeypatch.setattr(connection, "close", lambda: None)
    assert claim(agent, job) == job


def test_a_second_thread_with_the_same_message_leaves_it_to_the_first(
    agent: NodeAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = making.placed()
    monkeypatch.setattr(agents, "current", lambda: agent)
    with agent.hands.taking((job.pk, 1)), pytest.raises(Ignore):
        runner.run(job.pk, 1)
    assert phase(job) == Phase.PLACED
