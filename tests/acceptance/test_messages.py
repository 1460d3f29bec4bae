"""The broker forgets everything, says everything six times, or lies: every job starts exactly once."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from signal import SIGCONT, SIGSTOP, SIGTERM
from typing import Any

import pytest
import redis
from celery import Celery

from jobs.messages import EXECUTE, node_queue
from jobsite.environment import embedded_redis_url
from tests.acceptance.witness import Gate, Witness
from tests.client import Client
from tests.eventually import eventually
from tests.platform import Platform

pytestmark = pytest.mark.acceptance

QUEUE = node_queue("n1")
UNKNOWN_JOB = 10**9
MEGABYTE = "x" * 1_000_000


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """Big, and patient enough with a stopped worker that what it was given stays placed."""
    size = {"JOBSITE_CPUS": "64", "JOBSITE_MEMORY": "64G", "JOBSITE_TIME_SCALE": "1"}
    with Platform(tmp_path_factory.mktemp("messages") / "var", **size) as running:
        yield running


@pytest.fixture
def forger(platform: Platform) -> Iterator[Celery]:
    """Somebody who can reach the broker."""
    with Celery("forger", broker=embedded_redis_url(platform.var), set_as_current=False) as app:
        yield app


@contextmanager
def stopped(platform: Platform, name: str) -> Iterator[None]:
    """One process of the platform does nothing meanwhile."""
    child = platform.kill(name, SIGSTOP)
    try:
        yield
    finally:
        assert platform.kill(name, SIGCONT) == child


@contextmanager
def placed(
    platform: Platform, client: Client, broker: redis.Redis, script: str, number: int
) -> Iterator[list[int]]:
    """So many jobs that have their place and their message, while no worker takes messages."""
    with ExitStack() as worker:
        with stopped(platform, "scheduler"):
            jobs = [client.submit(script) for _ in range(number)]
            worker.enter_context(stopped(platform, "worker"))
        # the stopped worker may have been sent one of them
        eventually(lambda: broker.llen(QUEUE.name) >= number - 1, within=12, what="every job has its message")
        yield jobs
        assert phases(client, jobs) == {"PLACED"}


def phases(client: Client, jobs: list[int]) -> set[str]:
    """Where these jobs are."""
    listed = client.ask("GET", "jobs/?limit=200").json["results"]
    return {job["phase"] for job in listed if job["id"] in jobs}


def all_complete(client: Client, jobs: list[int]) -> bool:
    """They have ended, each with code 0 at its first attempt."""
    ended = client.ended(*jobs, within=90)
    assert {(job["state"], job["exit_code"], job["attempt"]) for job in ended} == {("COMPLETED", 0, 1)}
    return True


def test_with_every_key_of_the_broker_deleted_every_job_starts_exactly_once(
    platform: Platform, client: Client, witness: Witness, broker: redis.Redis
) -> None:
    """F13: their messages are gone with everything else."""
    with placed(platform, client, broker, witness.script(), 50) as jobs:
        broker.flushall()
    behind = client.submit(witness.script())
    assert all_complete(client, [*jobs, behind])
    assert witness.saw_each_start_once(*jobs, behind)


def test_with_every_message_five_times_more_every_job_starts_exactly_once(
    platform: Platform, client: Client, witness: Witness, broker: redis.Redis
) -> None:
    """F14: each copy but the first starts nothing."""
    with placed(platform, client, broker, witness.script(), 50) as jobs:
        for message in broker.lrange(QUEUE.name, 0, -1):
            broker.lpush(QUEUE.name, *[message] * 5)
    behind = client.submit(witness.script())
    assert all_complete(client, [*jobs, behind])
    assert witness.saw_each_start_once(*jobs, behind)


def test_the_copies_of_a_running_jobs_message_keep_no_thread_of_the_worker(
    platform: Platform, client: Client, witness: Witness, gate: Gate, forger: Celery
) -> None:
    """F14: they come while the job runs."""
    job = client.submit(witness.script(gate.wait))
    client.until(job, "ACTIVE")
    for _ in range(5):
        forger.send_task(EXECUTE, [job, 1], queue=QUEUE.name, task_id=f"job_{job}")
    behind = client.submit(witness.script())
    assert all_complete(client, [behind])
    gate.open()
    assert all_complete(client, [job])
    worker = platform.kill("worker", SIGTERM)  # it waits for its threads: one kept would keep it
    platform.wait_restarted("worker", worker, within=10)
    assert witness.saw_each_start_once(job, behind)


def lies(job: int) -> list[tuple[str, Any]]:
    """Ten messages that nobody of the platform has sent."""
    return [
        (EXECUTE, [UNKNOWN_JOB, 1]),
        (EXECUTE, [job, 2]),
        (EXECUTE, [job, 0]),
        (EXECUTE, [str(job), "1"]),
        (EXECUTE, [True, 1.5]),
        (EXECUTE, [None, {"job": [job]}]),
        (EXECUTE, []),
        (EXECUTE, [2**70, -(2**70)]),
        ("jobs.tasks.unheard_of", [job, 1]),
        (EXECUTE, [MEGABYTE, 1]),
    ]


def test_a_hundred_forged_messages_start_nothing_and_stop_nothing(
    platform: Platform, client: Client, witness: Witness, gate: Gate, forger: Celery
) -> None:
    """F16: each is somebody's lie, and the worker goes on."""
    job = client.submit(witness.script(gate.wait))
    client.until(job, "ACTIVE")
    worker = platform.child("worker")
    for name, arguments in lies(job) * 10:
        forger.send_task(name, arguments, queue=QUEUE.name)
    behind = client.submit(witness.script())
    gate.open()
    assert all_complete(client, [job, behind])
    assert witness.saw_each_start_once(job, behind)
    assert platform.child("worker") == worker


def test_a_message_of_another_attempt_claims_no_placed_job(
    platform: Platform, client: Client, witness: Witness, broker: redis.Redis, forger: Celery
) -> None:
    """F15, F16: of an attempt that has not come yet."""
    with placed(platform, client, broker, witness.script(), 4) as jobs:
        broker.delete(QUEUE.name)
        for job in jobs:
            for attempt in (2, 7):
                forger.send_task(EXECUTE, [job, attempt], queue=QUEUE.name)
    assert all_complete(client, jobs)
    assert witness.saw_each_start_once(*jobs)


def test_what_is_no_message_at_all_costs_a_restart_at_most(
    platform: Platform, client: Client, witness: Witness, gate: Gate, broker: redis.Redis
) -> None:
    """F16: nobody can read it."""
    job = client.submit(witness.script(gate.wait))
    client.until(job, "ACTIVE")
    for noise in (b"no JSON", b"{}", b"\xff"):
        broker.lpush(QUEUE.name, noise)
    behind = client.submit(witness.script())
    assert all_complete(client, [behind])
    gate.open()
    assert all_complete(client, [job])
    assert witness.saw_each_start_once(job, behind)
