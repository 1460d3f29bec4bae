"""The history of capacity: what the events add up to, and that an overdraft in it would be seen."""

import pytest

from jobs import lifecycle
from jobs.models import Job, JobEvent, Node
from jobs.states import EventKind, Phase, State
from recovery.invariants.capacity import overdrafts
from tests import making

pytestmark = pytest.mark.django_db


def forge_placing(job: Job, node: Node, *, cpus: int = 1, memory_mb: int = 1) -> None:
    """What a scheduler that gave away what was not there would have left."""
    JobEvent.objects.create(
        job=job,
        actor="scheduler",
        kind=EventKind.PLACED,
        from_state=State.PENDING,
        from_phase=Phase.QUEUED,
        to_state=State.PENDING,
        to_phase=Phase.PLACED,
        attempt=1,
        evidence={"node": node.name, "cpus": cpus, "memory_mb": memory_mb, "gpus": []},
    )


def test_a_full_node_is_no_overdraft() -> None:
    making.node(cpus=2)
    making.active(), making.active()
    assert overdrafts() == []


@pytest.mark.parametrize("ask", [{"cpus": 1}, {"cpus": 0, "memory_mb": 4096}])
def test_more_than_a_node_has_is_an_overdraft_at_that_event(ask: dict[str, int]) -> None:
    node = making.node(cpus=2, memory_mb=4096)
    making.active(), making.active()
    forge_placing(making.queued(), node, **ask)
    assert len(overdrafts()) == 1
    assert overdrafts()[0].startswith(f"event {JobEvent.objects.latest('pk').pk}: n1 had given")


def test_a_node_that_is_smaller_now_gave_what_it_had() -> None:
    making.node(cpus=4)
    making.active(cpus=2), making.active(cpus=2)
    making.node(cpus=1)
    assert overdrafts() == []


def test_an_older_event_is_measured_by_the_present_size() -> None:
    node = making.node(cpus=1)
    forge_placing(making.queued(), node, cpus=1)
    assert overdrafts() == []
    forge_placing(making.queued(), node, cpus=1)
    assert len(overdrafts()) == 1


def test_an_overdraft_that_is_over_by_now_is_seen_still() -> None:
    node = making.node(cpus=1)
    job = making.active()
    forge_placing(making.queued(), node)
    assert lifecycle.finish(job, making.ending(), actor="n1")
    assert len(overdrafts()) == 1


def test_what_a_job_gave_back_is_free_again() -> None:
    making.node(cpus=1)
    making.ended(), making.ended()
    assert lifecycle.return_to_queue(making.placed(), "drained", actor="op")
    making.placed()
    assert overdrafts() == []
