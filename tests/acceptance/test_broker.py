"""Whatever happens to the broker, or on the way to it, costs time: no job is lost, and none starts twice."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from signal import SIGKILL
from urllib.parse import quote

import psycopg
import pytest
import redis

from jobsite.environment import embedded_database_url
from tests.acceptance.fixtures_faults import Beside, beside, stopped, tell
from tests.acceptance.proxy import Proxy, between
from tests.acceptance.witness import Gate, Witness
from tests.client import Client
from tests.eventually import eventually
from tests.platform import Platform

pytestmark = pytest.mark.acceptance

SOON = 30.0
QUEUE = "node.n1"
BIG = {"cpus": 2}
"""What only the node behind the proxy has."""
TASK = b'"task": "jobs.tasks.execute"'
"""What a message has; who asks a worker for its tasks is answered with the name alone."""
KEEP_THE_LEASE = """
UPDATE jobs_nodelease SET lease_until = later.moment, broker_ok_at = later.moment
FROM (SELECT clock_timestamp() + interval '5 minutes' AS moment) later, jobs_node
WHERE jobs_node.id = node_id AND jobs_node.name = 'n1'
"""


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    with Platform(tmp_path_factory.mktemp("broker") / "v", JOBSITE_CPUS="1") as running:
        yield running


@pytest.fixture
def proxy(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    path = tmp_path_factory.mktemp("p") / "s"
    with between(path, platform.var / "run" / "broker.sock") as made:
        yield made


@contextmanager
def n2(platform: Platform, proxy: Proxy) -> Iterator[Beside]:
    """A node whose worker reaches the broker through the proxy."""
    told = {
        "JOBSITE_NODE_NAME": "n2",
        "JOBSITE_CPUS": "8",
        "REDIS_URL": f"redis+socket://{quote(str(proxy.path))}",
    }
    with beside(platform, "worker", **told) as worker:
        worker.says("ready.")
        yield worker


@pytest.fixture
def second(platform: Platform, proxy: Proxy) -> Iterator[Beside]:
    with n2(platform, proxy) as worker:
        yield worker


def complete(client: Client, *jobs: int) -> bool:
    """Each has ended with 0."""
    ended = client.ended(*jobs, within=60)
    assert {(job["state"], job["exit_code"]) for job in ended} == {("COMPLETED", 0)}
    return True


@contextmanager
def unheard(platform: Platform, client: Client, broker: redis.Redis, script: str) -> Iterator[int]:
    """A job that has its place and its message, while the worker is stopped and has taken no part of it."""
    with stopped(platform, "worker"):
        with stopped(platform, "scheduler"):
            _keep_the_lease(platform)
            job = client.submit(script)
            eventually(lambda: not broker.info("clients")["blocked_clients"], what="the end of its last look")
        eventually(lambda: broker.llen(QUEUE), within=SOON, what=lambda: f"its message; {client.job(job)}")
        yield job


def _keep_the_lease(platform: Platform) -> None:
    """However long the machine takes, the stopped worker's node is not given up meanwhile."""
    with psycopg.connect(embedded_database_url(platform.var)) as connection:
        connection.execute(KEEP_THE_LEASE)


def lifecycle(platform: Platform, verb: str, job: int) -> None:
    """As a person would who has the job's page before her."""
    of = "from jobs import lifecycle; from jobs.models import Job; from jobs.states import Hold\n"
    tell(platform, f"{of}lifecycle.{verb.format(f'Job.objects.get(pk={job})')}")


def test_f15_messages_that_come_late_start_nothing(
    platform: Platform, client: Client, broker: redis.Redis, witness: Witness, gate: Gate
) -> None:
    """F15: after a cancel, after the end, and of an attempt that the job has left behind."""
    with unheard(platform, client, broker, witness.script(gate.wait)) as job:
        late = broker.lrange(QUEUE, 0, -1)
        lifecycle(platform, "hold({}, Hold.USER, actor='ana')", job)
        broker.delete(QUEUE)
    lifecycle(platform, "release({}, actor='ana')", job)
    assert client.until(job, "ACTIVE")["attempt"] == 2
    broker.lpush(QUEUE, *late)  # the other attempt runs
    gate.open()
    assert complete(client, job)
    with unheard(platform, client, broker, witness.script()) as cancelled:
        late += broker.lrange(QUEUE, 0, -1)
        broker.delete(QUEUE)
        assert client.cancel(cancelled).status == 200
    broker.lpush(QUEUE, *late)  # one has ended, one was cancelled
    behind = client.submit(witness.script())
    assert complete(client, behind)
    assert witness.saw_each_start_once(job, behind)


@pytest.mark.parametrize("forgets", [False, True])
def test_f17_a_worker_hears_a_broker_that_was_killed_again_without_a_restart(
    platform: Platform, client: Client, broker: redis.Redis, witness: Witness, forgets: bool
) -> None:
    """F17: it comes back with what it had on disk, or with nothing."""
    worker = platform.child("worker")
    with unheard(platform, client, broker, witness.script()) as placed:
        if forgets:
            broker.flushall()
        platform.wait_restarted("broker", platform.kill("broker"))
    behind = client.submit(witness.script())
    assert complete(client, placed, behind)
    assert witness.saw_each_start_once(placed, behind)
    assert platform.child("worker") == worker


def test_f18_a_worker_that_was_cut_off_from_the_broker_goes_on(
    client: Client, proxy: Proxy, second: Beside, witness: Witness, gate: Gate
) -> None:
    """F18: what runs there ends as it does; the node gets no more jobs until it hears the broker again."""
    runs = client.submit(witness.script(f"{gate.wait}; exit 5"), **BIG)
    client.until(runs, "ACTIVE")
    with proxy.cut():
        waits = client.submit(witness.script(), **BIG)
        eventually(lambda: client.job(waits)["reason"] == "BrokerDown", within=SOON, what="its reason")
        gate.open()
        assert client.ended(runs, within=SOON)[0]["exit_code"] == 5
    assert complete(client, waits)
    assert witness.saw_each_start_once(runs, waits)
    second.send(SIGKILL)  # it was the same process all the time: nobody starts it again


def test_f19_a_broker_without_room_costs_time_and_no_job(
    client: Client, broker: redis.Redis, witness: Witness
) -> None:
    """F19: a submit is accepted, and says what it waits for."""
    broker.config_set("maxmemory", "1")
    try:
        job = client.submit(witness.script())
        eventually(lambda: client.job(job)["reason"] == "BrokerDown", within=SOON, what="its reason")
    finally:
        broker.config_set("maxmemory", "0")
    assert complete(client, job)
    assert witness.saw_each_start_once(job)


@pytest.mark.parametrize(("words", "noted"), [([TASK], 0), ([TASK, b"HSET", b"QUEUED"], 1)])
def test_f20_f21_a_message_that_died_with_its_worker_is_sent_again(
    platform: Platform,
    client: Client,
    broker: redis.Redis,
    proxy: Proxy,
    witness: Witness,
    words: list[bytes],
    noted: int,
) -> None:
    """F20, F21: the broker has given it away, and the worker has not noted it, or not begun it."""
    with n2(platform, proxy) as worker:
        before = broker.hlen("unacked")  # the broker keeps what other workers died with for minutes
        proxy.mute_at = list(words)
        job = client.submit(witness.script(), **BIG)
        assert proxy.muted.wait(SOON)
        assert (broker.hlen("unacked") - before, client.job(job)["phase"]) == (noted, "PLACED")
        worker.send(SIGKILL)
    with n2(platform, proxy):
        assert complete(client, job)
    assert witness.saw_each_start_once(job)


def test_f22_a_slow_broker_that_hangs_up_now_and_then_costs_only_time(
    client: Client, proxy: Proxy, second: Beside, witness: Witness
) -> None:
    """F22: each piece of data is late, and every connection is closed under the jobs."""
    proxy.delay = 0.05
    jobs = [client.submit(witness.script(), **BIG) for _ in range(3)]
    for enough in (1, 2):
        eventually(partial(witness.saw_starts, enough), within=60, what=lambda: second.log[-2000:])
        proxy.reset()
    assert complete(client, *jobs)
    assert witness.saw_each_start_once(*jobs)
    second.send(SIGKILL)
