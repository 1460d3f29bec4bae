"""Two placers, two senders, two submits, two leaders: nothing is given, sent, made or led twice."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, transaction

from jobs import lifecycle
from jobs.errors import IdempotencyConflict
from jobs.lifecycle import Placing
from jobs.models import Job, Node, ResourceAllocation
from jobs.models.clock import database_now
from jobs.states import Source
from scheduler.cycle import run_pass
from scheduler.leader import DeposedError, Leader
from scheduler.models import SchedulerLease
from tests import making
from tests.eventually import eventually
from tests.outbox import Outbox
from tests.races.duel import ROUNDS, Act, at_once, elsewhere, every_way, somebody_waits

pytestmark = [pytest.mark.races, pytest.mark.django_db(transaction=True)]

LONG, SHORT = timedelta(minutes=1), timedelta(seconds=0.5)


def place(jobs: list[Job], node: Node, gpus: tuple[int, ...] = ()) -> int:
    with transaction.atomic():
        return len(lifecycle.place([Placing(job, node.pk, gpus) for job in jobs], database_now()))


def placers(*, cpus: int, gpus: tuple[int, ...] = ()) -> tuple[Act, Act]:
    """Two who each want to give the whole of a new node to jobs of their own."""
    node = making.node(f"m{Node.objects.count()}", cpus=2, gpus=len(gpus))
    mine, theirs = ([making.queued(cpus=cpus, gpus=len(gpus)) for _ in range(2 // cpus)] for _ in range(2))
    return lambda: place(mine, node, gpus), lambda: place(theirs, node, gpus)


@pytest.mark.parametrize(("cpus", "gpus"), [(1, ()), (2, ()), (2, (0,))])
def test_two_placers_never_give_a_node_twice(cpus: int, gpus: tuple[int, ...]) -> None:
    """F07: both may believe that there is room."""
    for answers in every_way(lambda: placers(cpus=cpus, gpus=gpus)):
        assert sum(answers) == 2 // cpus


def senders() -> tuple[Act, Act]:
    making.node(cpus=100, memory_mb=100_000)
    job = making.placed()
    return tuple(  # type: ignore[return-value]  # it is two
        (lambda seen: lambda: lifecycle.dispatch(seen))(Job.objects.select_related("node").get(pk=job.pk))
        for _ in range(2)
    )


def test_one_number_is_one_message(outbox: Outbox) -> None:
    """F23: whoever wins the number sends."""
    for _ in range(ROUNDS):
        outbox.sent.clear()
        assert at_once(*senders()).count(True) == 1
        assert len(outbox.sent) == 1


def submitters(*names: str) -> tuple[Act, ...]:
    ana, key = making.user(), f"key {Job.objects.count()}"
    return tuple((lambda spec: lambda: _submit(spec, ana, key))(making.spec(name=name)) for name in names)


def _submit(spec: Any, owner: Any, key: str) -> tuple[int, bool] | None:
    try:
        job, new = lifecycle.submit(spec, owner, source=Source.API, key=key)
    except IdempotencyConflict:
        return None
    return job.pk, new


def test_one_key_is_one_job() -> None:
    for answers in every_way(lambda: submitters("a", "a")):  # type: ignore[arg-type,return-value]
        assert len({pk for pk, _ in answers}) == 1
        assert [new for _, new in answers].count(True) == 1


def test_one_key_with_two_requests_is_one_job_and_one_refusal() -> None:
    for answers in every_way(lambda: submitters("a", "b")):  # type: ignore[arg-type,return-value]
        assert answers.count(None) == 1
    assert Job.objects.count() == ROUNDS + 2


def test_a_lease_that_is_over_is_taken_by_one_of_many() -> None:
    for round_ in range(ROUNDS):
        SchedulerLease.objects.update(until=database_now())
        leaders = [Leader(f"{round_} {number}", LONG) for number in range(4)]
        assert at_once(*[leader.campaign for leader in leaders]).count(True) == 1
        assert [leader.term for leader in leaders if leader.term] == [SchedulerLease.objects.get().term]


def test_of_two_terms_only_the_later_one_places(outbox: Outbox) -> None:
    making.node(cpus=1)
    old, new = Leader("old", SHORT), Leader("new", LONG)
    assert old.campaign()
    assert eventually(new.campaign)
    jobs = [making.queued(), making.queued()]

    def pass_of(leader: Leader) -> int | None:
        try:
            return run_pass(leader).placed
        except DeposedError:
            return None

    assert at_once(lambda: pass_of(old), lambda: pass_of(new)) == [None, 1]
    assert Job.objects.placed().count() == 1
    assert Job.objects.queued().get() == jobs[1]


def test_who_takes_the_lease_over_waits_for_the_placing_that_is_under_way() -> None:
    old, new = Leader("old", SHORT), Leader("new", LONG)
    assert old.campaign()
    with elsewhere(lambda: eventually(new.campaign)) as campaign, old.leading():
        eventually(lambda: database_now() > SchedulerLease.objects.get().until, what="its end")
        eventually(somebody_waits, what="the new leader at the old one's row")
        assert not campaign.done()
    assert new.term


def test_a_leader_that_freezes_while_it_places_does_not_keep_the_next_one_from_leading() -> None:
    """It keeps the lease's row locked, and the locks of the nodes, as long as its transaction is open."""
    node = making.node()
    job = making.queued()
    frozen, standby = Leader("frozen", SHORT), Leader("standby", LONG)
    assert frozen.campaign()

    def freeze() -> None:
        with frozen.leading():
            assert lifecycle.place([Placing(job, node.pk, ())], database_now()) == [job]
            with elsewhere(lambda: eventually(standby.campaign, within=20)) as campaign:
                assert campaign.result(timeout=30)

    with pytest.raises(DatabaseError):
        freeze()
    assert Job.objects.queued().get() == job
    assert not ResourceAllocation.objects.exists()
