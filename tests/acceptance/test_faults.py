"""Servers that go away, schedulers that freeze, requests that come many times: the promise is kept."""

import os
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from email.message import Message
from functools import partial
from pathlib import Path
from signal import SIGCONT, SIGINT, SIGKILL, SIGSTOP, Signals

import psutil
import psycopg
import pytest
from celery import Celery

from jobsite.environment import embedded_database_url, embedded_redis_url
from tests.acceptance.fixtures_faults import (
    another_client,
    beside,
    say,
    seconds_since,
    stopped,
    tell,
)
from tests.acceptance.witness import Witness
from tests.client import Answer, Client
from tests.eventually import eventually
from tests.platform import Platform

pytestmark = pytest.mark.acceptance

SOON = 30.0


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    with Platform(tmp_path_factory.mktemp("faults") / "v", JOBSITE_CPUS="6") as running:
        yield running


@pytest.fixture(autouse=True)
def _no_thread_ended(platform: Platform) -> Iterator[None]:
    yield
    logs = [log for log in (platform.var / "logs").glob("*.log") if "Exception in thread" in log.read_text()]
    assert logs == [], "a thread ended for good"


def test_a_job_submitted_while_the_broker_is_stopped_says_so_and_runs_when_it_is_back(
    platform: Platform, client: Client, request: pytest.FixtureRequest
) -> None:
    """F05: it is accepted within a second."""
    with stopped(platform, "broker"):
        begun = time.monotonic()
        number = client.submit("exit 3")
        accepted = seconds_since(begun)
        told = eventually(lambda: _waits_for_broker(client, number), within=SOON)
        known = seconds_since(begun)
    back = time.monotonic()
    job = client.ended(number, within=SOON)[0]
    say(request.node.name, accepted=accepted, told_after=known, ended_after_return=seconds_since(back))
    assert accepted <= 1.0
    assert "broker" in told
    assert (job["exit_code"], job["reason"]) == (3, "NonZeroExitCode")


def test_jobs_submitted_before_and_after_the_broker_was_killed_run_once(
    platform: Platform, client: Client, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """F17: it comes back with what it had on disk."""
    witness = tmp_path / "witness"
    script = f"echo $JOBSITE_JOB_ID >> {witness}; sleep 0.2"
    numbers = [client.submit(script) for _ in range(12)]
    child = platform.kill("broker")
    begun = time.monotonic()
    numbers += [client.submit(script) for _ in range(12)]
    platform.wait_restarted("broker", child)
    jobs = client.ended(*numbers, within=60)
    say(request.node.name, all_ended_after=seconds_since(begun))
    assert {job["state"] for job in jobs} == {"COMPLETED"}
    assert Counter(map(int, witness.read_text().split())) == Counter(numbers)


def test_f17_a_worker_that_takes_no_messages_any_more_starts_itself_anew(
    platform: Platform, client: Client, request: pytest.FixtureRequest
) -> None:
    """F17: its consumers are gone and nothing else, as after a lost connection in some versions of Celery."""
    worker = platform.child("worker")
    with Celery("operator", broker=embedded_redis_url(platform.var), set_as_current=False) as app:
        for queue in ("node.n1", "control"):  # the first word of a new application may reach nobody
            eventually(partial(app.control.cancel_consumer, queue, reply=True), within=SOON, what=queue)
    begun = time.monotonic()
    number = client.submit("exit 3")
    assert client.ended(number, within=60)[0]["exit_code"] == 3
    say(request.node.name, ended_after=seconds_since(begun))
    assert platform.child("worker") != worker
    assert "the worker leaves: it takes no messages" in (platform.var / "logs" / "worker.log").read_text()


@pytest.mark.parametrize("number", [SIGKILL, SIGINT])
def test_jobs_end_with_their_true_code_though_postgresql_was_restarted_under_them(
    platform: Platform, client: Client, number: Signals, request: pytest.FixtureRequest
) -> None:
    """F24, F33: killed, or told to leave at once."""
    numbers = [client.submit(f"sleep {wait}; exit {40 + wait}") for wait in range(1, 6)]
    client.until(numbers[-1], "ACTIVE")
    child = platform.kill("postgres", number)
    begun = time.monotonic()
    platform.wait_restarted("postgres", child)
    eventually(lambda: client.ask("GET", "jobs/").status == 200, within=SOON, what="the API")
    answers = seconds_since(begun)
    jobs = client.ended(*numbers, within=60)
    say(request.node.name, api_after=answers, all_ended_after=seconds_since(begun))
    assert [job["exit_code"] for job in jobs] == [40 + wait for wait in range(1, 6)]
    assert client.ended(client.submit("exit 9"))[0]["exit_code"] == 9


def test_postgresql_that_comes_back_after_the_jobs_have_ended_learns_their_true_codes(
    platform: Platform, client: Client, request: pytest.FixtureRequest
) -> None:
    """F25: its sessions are killed and its first process stopped: nobody answers, nobody starts another."""
    numbers = [client.submit(f"sleep 1; exit {60 + code}") for code in range(4)]
    for number in numbers:
        client.until(number, "ACTIVE")
    with stopped(platform, "postgres") as child:
        for session in Path(f"/proc/{child.pid}/task/{child.pid}/children").read_text().split():
            os.kill(int(session), SIGKILL)
        spool = platform.var / "spool" / "n1"
        told = [spool / f"{number}.1" / "exit.json" for number in numbers]
        eventually(lambda: all(file.exists() for file in told), within=SOON, what="the wrappers' word")
    begun = time.monotonic()
    eventually(lambda: client.ask("GET", "jobs/").status == 200, within=SOON, what="the API")
    jobs = client.ended(*numbers, within=60)
    say(request.node.name, all_ended_after=seconds_since(begun))
    assert [job["exit_code"] for job in jobs] == [60 + code for code in range(4)]


def accepted(answers: list[Answer], number: int) -> bool:
    """So many were accepted, or more."""
    return sum(answer.status == 201 for answer in answers) >= number


def test_f24_f33_what_was_accepted_survives_each_of_two_crashes_of_postgresql_and_runs_once(
    platform: Platform, client: Client, witness: Witness, request: pytest.FixtureRequest
) -> None:
    """F24, F33: all its processes are killed at once while requests come; each is accepted or told why."""
    answers: list[Answer] = []
    over = threading.Event()

    def submit_on() -> None:
        body = {"script": witness.script(), "memory": 16}
        while not over.wait(0.05):
            answers.append(client.ask("POST", "jobs/", body))

    with ThreadPoolExecutor(1) as pool:
        going = pool.submit(submit_on)
        for _ in range(2):
            wanted = sum(answer.status == 201 for answer in answers) + 3
            eventually(partial(accepted, answers, wanted), within=SOON)
            child = platform.child("postgres")
            for pid in [child.pid, *(one.pid for one in psutil.Process(child.pid).children(recursive=True))]:
                with suppress(ProcessLookupError):
                    os.kill(pid, SIGKILL)
            platform.wait_restarted("postgres", child)
            eventually(lambda: client.ask("GET", "jobs/").status == 200, within=SOON, what="the API")
        over.set()
        going.result()
    say(request.node.name, answers=Counter(answer.status for answer in answers))
    assert {answer.status for answer in answers} <= {201, 503}
    jobs = [answer.json["id"] for answer in answers if answer.status == 201]
    assert {job["state"] for job in client.ended(*jobs, within=90)} == {"COMPLETED"}
    assert not set(jobs) - set(witness.starts)
    assert set(witness.starts.values()) == {1}


def test_one_key_sent_50_times_at_once_is_one_job(client: Client, request: pytest.FixtureRequest) -> None:
    """F10: a client that tries again and again."""
    body = {"script": "#!/bin/sh\ntrue\n", "memory": 16}
    begun = time.monotonic()
    with ThreadPoolExecutor(50) as pool:
        sent = [pool.submit(client.ask, "POST", "jobs/", body, Idempotency_Key="fifty") for _ in range(50)]
        answers = [future.result() for future in sent]
    say(request.node.name, took=seconds_since(begun))
    assert Counter(answer.status for answer in answers) == {201: 1, 200: 49}
    assert len({answer.json["id"] for answer in answers}) == 1
    other = client.ask("POST", "jobs/", {**body, "name": "other"}, Idempotency_Key="fifty")
    assert other.status == 409
    assert "fifty" in other.json["detail"]


def test_50_requests_at_once_with_as_many_bodies_make_one_job_of_one_key(client: Client) -> None:
    def ask(number: int) -> int:
        body = {"script": f"#!/bin/sh\nexit {number}\n", "memory": 16}
        return client.ask("POST", "jobs/", body, Idempotency_Key="many bodies").status

    with ThreadPoolExecutor(50) as pool:
        assert Counter(pool.map(ask, range(50))) == {201: 1, 409: 49}


def test_anothers_job_is_the_same_404_as_one_that_does_not_exist(platform: Platform, client: Client) -> None:
    number, nobodys = client.submit("echo secret"), 999_999_999
    client.ended(number)
    stranger = another_client(platform, "eve")
    for method, path in (
        ("GET", "jobs/{}/"),
        ("POST", "jobs/{}/cancel/"),
        ("GET", "jobs/{}/output/"),
        ("GET", "jobs/{}/output/?from=0&stream=stderr"),
        ("PUT", "jobs/{}/"),
        ("DELETE", "jobs/{}/"),
        ("GET", "jobs/{}/cancel/"),
    ):
        there = stranger.ask(method, path.format(number))
        not_there = stranger.ask(method, path.format(nobodys))
        assert (there.status, there.body) == (not_there.status, not_there.body), (method, path)
        assert _told(there.headers) == _told(not_there.headers), (method, path)
    assert stranger.ask("GET", f"jobs/{number}/").status == 404
    assert stranger.ask("GET", "jobs/").json == {"results": [], "next": None}
    assert stranger.ask("GET", f"jobs/?before={number + 1}").json == {"results": [], "next": None}


def test_a_scheduler_that_is_stopped_in_its_pass_and_wakes_after_its_lease_places_nothing(
    platform: Platform, client: Client, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Both have seen the job and wait for a table that the test has locked, the first with an old term."""
    witness = tmp_path / "witness"
    number = client.submit(f"echo $JOBSITE_JOB_ID >> {witness}", hold=True)
    with (
        patient_scheduler(platform, client),
        psycopg.connect(embedded_database_url(platform.var)) as locker,
        beside(platform, "scheduler") as standby,
    ):
        standby.says("scheduler started")
        locker.execute("LOCK TABLE jobs_partition_nodes IN ACCESS EXCLUSIVE MODE")
        tell(platform, f"from jobs import lifecycle; from jobs.models import Job\n{LET_GO.format(number)}")
        eventually(lambda: _blocked(locker) == 1, what="the leader in its pass")
        with stopped(platform, "scheduler"):
            begun = time.monotonic()
            standby.says("leads with term")
            say(request.node.name, taken_over_after=seconds_since(begun))
            eventually(lambda: _blocked(locker) == 2, what="the next leader in its pass")
            standby.send(SIGSTOP)
            locker.execute(KEEP_THE_LEASE)
            locker.commit()
        awake = platform.var / "logs" / "scheduler.log"
        eventually(lambda: "leads no longer" in awake.read_text(), within=SOON, what="the old leader's word")
        assert client.job(number)["phase"] == "QUEUED"
        standby.send(SIGCONT)
        job = client.ended(number, within=SOON)[0]
        standby.end()
        locker.execute(END_THE_LEASE)  # nobody is left to renew it, and the tests that follow need a leader
        locker.commit()
    assert (job["state"], job["attempt"]) == ("COMPLETED", 1)
    assert witness.read_text().split() == [str(number)]


@contextmanager
def patient_scheduler(platform: Platform, client: Client) -> Iterator[None]:
    """Another scheduler leads, which waits a minute for a lock."""
    with psycopg.connect(embedded_database_url(platform.var), autocommit=True) as operator:
        operator.execute("ALTER DATABASE jobsite SET lock_timeout = '60s'")
        try:
            platform.wait_restarted("scheduler", platform.kill("scheduler"))
            client.ended(client.submit("true"))
            yield
        finally:
            operator.execute("ALTER DATABASE jobsite RESET lock_timeout")


LET_GO = "lifecycle.release(Job.objects.get(pk={}), actor='tests')"
END_THE_LEASE = "UPDATE scheduler_schedulerlease SET until = clock_timestamp()"
KEEP_THE_LEASE = "UPDATE scheduler_schedulerlease SET until = clock_timestamp() + interval '5 minutes'"


def _blocked(connection: "psycopg.Connection") -> int:
    """How many sessions wait for a lock."""
    row = connection.execute("SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted").fetchone()
    assert row
    return int(row[0])


def _told(headers: Message) -> list[tuple[str, str]]:
    """What an answer says beside its body, but for the time of day."""
    return sorted((name, text) for name, text in headers.items() if name.lower() != "date")


def _waits_for_broker(client: Client, number: int) -> str:
    """Its sentence, once its reason is the broker."""
    job = client.job(number)
    return str(job["detail"]) if job["reason"] == "BrokerDown" else ""
