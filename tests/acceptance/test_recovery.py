"""The bug report: jobs that stayed PENDING for ever. Real broker; the real worker is started afterwards."""

import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
import redis
from django.conf import settings
from django.db import connection, transaction

from jobs import lifecycle
from jobs.messages import node_queue
from jobs.models import Job, Node, NodeLease
from jobs.models.clock import database_now
from jobs.states import EventKind, Phase, State
from recovery import broker
from recovery.manager import RecoveryManager
from tests import making
from tests.acceptance import containers
from tests.acceptance.containers import ProcessContainer
from tests.acceptance.witness import Witness
from tests.eventually import eventually

pytestmark = [pytest.mark.acceptance, pytest.mark.django_db(transaction=True)]

QUEUE = node_queue("n1").name
Start = Callable[[], ProcessContainer]


@pytest.fixture
def environment(transactional_db: None, tmp_path: Path) -> Mapping[str, str]:
    return containers.surroundings(tmp_path / "var")


@pytest.fixture
def processes(environment: Mapping[str, str], tmp_path: Path) -> Iterator[list[ProcessContainer]]:
    """Those that a test has started; they end before its rows are deleted."""
    started: list[ProcessContainer] = []
    yield started
    for one in started:
        one.teardown()


@pytest.fixture
def start_worker(environment: Mapping[str, str], processes: list[ProcessContainer], tmp_path: Path) -> Start:
    def start() -> ProcessContainer:
        processes.append(containers.worker(environment, tmp_path / "worker.log"))
        return processes[-1]

    return start


@pytest.fixture
def start_scheduler(
    environment: Mapping[str, str], processes: list[ProcessContainer], tmp_path: Path
) -> Start:
    def start() -> ProcessContainer:
        processes.append(containers.scheduler(environment, tmp_path / "scheduler.log"))
        return processes[-1]

    return start


@pytest.fixture(autouse=True)
def queue() -> Iterator[redis.Redis]:
    """The broker that all of them use, with nothing for this node in it."""
    url = settings.CELERY_BROKER_URL.replace("redis+socket://", "unix://")
    with redis.Redis.from_url(url) as connection:
        connection.delete(QUEUE)
        yield connection
        connection.delete(QUEUE)


@pytest.fixture
def node() -> Node:
    """One whose worker of before is gone, as is its lease."""
    return making.node(cpus=64, memory_mb=65536)


@transaction.atomic
def placed(script: str) -> Job:
    """A job that has its place on n1, and whose message was never sent."""
    return making.placed(script=script)


def leave(node: Node) -> None:
    """The worker of before is gone."""
    NodeLease.objects.filter(node=node).delete()


def has_completed(*jobs: Job) -> bool:
    """All of them, each with exit code 0."""
    eventually(lambda: not Job.objects.live().exists(), within=60, what="the end of all jobs")
    ended = Job.objects.filter(pk__in=[job.pk for job in jobs]).values_list("state", "exit_code")
    assert list(ended) == [(State.COMPLETED, 0)] * len(jobs)
    return True


def until_recovery_looks(job: Job) -> None:
    """Wait until the grace that a message has is over."""
    job.refresh_from_db()
    asked = job.dispatched_at or job.placed_at
    assert asked is not None
    eventually(lambda: database_now() > asked + settings.DISPATCH_GRACE)


def test_a_pending_row_and_an_empty_broker_is_recovered_and_runs_once(
    node: Node, witness: Witness, queue: redis.Redis, start_worker: Start
) -> None:
    """F03, F08: its message was never sent."""
    job = placed(script=witness.script())
    until_recovery_looks(job)
    assert queue.llen(QUEUE) == 0
    leave(node)
    start_worker()
    assert has_completed(job)
    assert witness.saw_each_start_once(job.pk)


def test_a_pending_row_whose_message_is_there_gets_no_second_one_and_runs_once(
    node: Node, witness: Witness, queue: redis.Redis, start_worker: Start
) -> None:
    job = placed(script=witness.script())
    assert lifecycle.dispatch(job)
    until_recovery_looks(job)
    result = RecoveryManager().recover()
    assert result.skipped == {"PendingJobRecoveryStrategy": [job.pk]}
    assert queue.llen(QUEUE) == 1
    assert broker.messages_of({"n1"}) == {"n1": {(job.pk, 1)}}
    leave(node)
    start_worker()
    assert has_completed(job)
    assert job.events.filter(kind=EventKind.DISPATCHED).count() == 1
    assert witness.saw_each_start_once(job.pk)


def test_a_message_that_a_worker_has_just_popped_is_not_sent_again(node: Node, queue: redis.Redis) -> None:
    job = placed("#!/bin/sh\n")
    until_recovery_looks(job)
    assert queue.llen(QUEUE) == 0

    def claim() -> None:
        lifecycle.start(job, boot_id=making.BOOT, spool_id=making.SPOOL, actor="n1")
        connection.close()

    worker = threading.Timer(0.3, claim)
    worker.start()
    result = RecoveryManager().recover()
    worker.join()
    assert result.skipped == {"PendingJobRecoveryStrategy": [job.pk]}
    assert queue.llen(QUEUE) == 0


def test_fifty_pending_rows_all_run_once(
    node: Node, witness: Witness, start_worker: Start, start_scheduler: Start
) -> None:
    make = (placed, making.queued)  # with a place and without a message, or with neither
    jobs = [make[number % 2](script=witness.script()) for number in range(50)]
    until_recovery_looks(jobs[-2])
    leave(node)
    start_worker()
    start_scheduler()
    assert has_completed(*jobs)
    assert witness.saw_each_start_once(*[job.pk for job in jobs])


def test_a_placed_job_whose_message_is_gone_never_shows_running_and_then_runs(
    node: Node, witness: Witness, queue: redis.Redis, start_worker: Start
) -> None:
    job = placed(script=witness.script())
    assert lifecycle.dispatch(job)
    queue.delete(QUEUE)
    leave(node)
    start_worker()
    shown = set()

    def sent_again() -> bool:
        job.refresh_from_db()
        if job.dispatch_seq == 1:
            shown.add((job.state, job.phase))
        return job.dispatch_seq == 2

    eventually(sent_again, within=60)
    assert shown == {(State.PENDING, Phase.PLACED)}
    assert has_completed(job)
    kinds = list(job.events.order_by("pk").values_list("kind", flat=True))
    assert kinds == ["submitted", "placed", "dispatched", "dispatched", "started", "active", "finished"]
    assert witness.saw_each_start_once(job.pk)
