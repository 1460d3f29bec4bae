"""The end of a job before it comes by itself: limit and cancel, at every step, with every kind of process."""

from collections.abc import Iterator
from datetime import datetime
from itertools import count
from typing import Any

import pytest

from tests.acceptance.fixtures_faults import (
    living,
    say,
    shorten_grace,
    stopped,
    tell,
)
from tests.client import Client
from tests.eventually import eventually
from tests.platform import Platform

pytestmark = pytest.mark.acceptance

GRACE = 2.0
DUE = 2.0
"""How long after the end is due the job must have been told, and how long after the grace it may be there."""
NAPS = count(700001)


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    times = {"JOBSITE_TIME_SCALE": "1"}  # what a person gets: nothing here may wait for a sweep
    with Platform(tmp_path_factory.mktemp("limit") / "v", JOBSITE_CPUS="2", **times) as running:
        shorten_grace(running, GRACE)
        yield running


@pytest.fixture
def nap() -> Iterator[str]:
    """A sleep that no other process sleeps; none of it may be left."""
    command = f"sleep {next(NAPS)}"
    yield command
    assert living(command) == []


def seconds(job: dict[str, Any], begin: str, end: str) -> float:
    """Between two times of a job, by the database's clock."""
    between = datetime.fromisoformat(job[end]) - datetime.fromisoformat(job[begin])
    return between.total_seconds()


def stubborn(nap: str) -> str:
    """A job that does not hear TERM, as any process below it, and prints nothing."""
    return f"trap '' TERM\n{nap} &\n{nap}"


def with_grandchildren(nap: str) -> str:
    """A job whose daemons left its session, its parent and its environment behind, and do not hear TERM."""
    deaf = f'trap "" TERM; exec {nap}'
    return (
        f"( ( setsid sh -c '{deaf}' & ) & )\n"
        f"( ( env -i setsid sh -c '{deaf}' & ) & )\n"
        f"( setsid {nap} & )\n{nap}"
    )


def test_a_job_that_does_not_hear_term_is_killed_at_its_limit(
    client: Client, nap: str, request: pytest.FixtureRequest
) -> None:
    """F49: after its grace."""
    job = client.ended(client.submit(stubborn(nap), time_limit="00:00:02"))[0]
    assert (job["state"], job["reason"], job["exit_signal"]) == ("FAILED", "TimeLimit", 9)
    gone = seconds(job, "limit_at", "ended_at")
    say(request.node.name, gone_after_limit=gone)
    assert GRACE - 0.5 <= gone <= GRACE + DUE


def test_a_job_that_does_not_hear_term_is_killed_when_it_is_cancelled(
    client: Client, nap: str, request: pytest.FixtureRequest
) -> None:
    """F49: after its grace."""
    number = client.submit(stubborn(nap))
    client.until(number, "ACTIVE")
    eventually(lambda: living(nap), what="its process")
    assert client.cancel(number).json["state"] == "RUNNING"
    job = client.ended(number)[0]
    assert (job["state"], job["reason"], job["exit_signal"]) == ("CANCELLED", "Cancelled", 9)
    gone = seconds(job, "cancel_requested_at", "ended_at")
    say(request.node.name, gone_after_cancel=gone)
    assert GRACE - 0.5 <= gone <= GRACE + DUE


@pytest.mark.parametrize("way", ["limit", "cancel"])
def test_a_job_that_hears_term_is_told_in_time(
    client: Client, nap: str, way: str, request: pytest.FixtureRequest
) -> None:
    script = f"trap 'date -u +%Y-%m-%dT%H:%M:%S.%6N+00:00; exit 3' TERM\necho up\n{nap} &\nwait"
    number = client.submit(script, time_limit="00:00:02" if way == "limit" else "01:00:00")
    eventually(lambda: client.output(number) == b"up\n", what="its first line")
    due = "limit_at"
    if way == "cancel":
        client.cancel(number)
        due = "cancel_requested_at"
    job = client.ended(number)[0]
    heard = client.output(number).splitlines()[-1].decode()
    late = seconds({**job, "heard": heard}, due, "heard")
    say(request.node.name, term_after=late, gone_after=seconds(job, due, "ended_at"))
    assert job["exit_code"] == 3
    assert late <= DUE


@pytest.mark.parametrize("way", ["limit", "cancel"])
def test_daemons_of_a_job_end_with_it(
    client: Client, nap: str, way: str, request: pytest.FixtureRequest
) -> None:
    """F47: also those that left its session."""
    number = client.submit(with_grandchildren(nap), time_limit="00:00:03" if way == "limit" else "01:00:00")
    eventually(lambda: len(living(nap)) >= 4, what="four processes")
    due = "limit_at"
    if way == "cancel":
        client.cancel(number)
        due = "cancel_requested_at"
    job = client.ended(number)[0]
    assert living(nap) == []
    say(request.node.name, gone_after=seconds(job, due, "ended_at"))
    assert job["reason"] == {"limit": "TimeLimit", "cancel": "Cancelled"}[way]
    assert seconds(job, due, "ended_at") <= GRACE + DUE


def test_daemons_of_a_job_that_ended_by_itself_end_after_it(client: Client, nap: str) -> None:
    job = client.ended(client.submit(with_grandchildren(nap).removesuffix(nap) + "exit 5"))[0]
    assert (job["state"], job["reason"], job["exit_code"]) == ("FAILED", "NonZeroExitCode", 5)
    assert living(nap) == []


@pytest.mark.parametrize(
    ("way", "state", "reason"), [("limit", "FAILED", "TimeLimit"), ("cancel", "CANCELLED", "Cancelled")]
)
def test_a_job_that_ends_with_0_because_it_was_told_to_end_has_not_completed(
    client: Client, nap: str, way: str, state: str, reason: str
) -> None:
    script = f"trap 'exit 0' TERM\necho up\n{nap} &\nwait"
    number = client.submit(script, time_limit="00:00:02" if way == "limit" else "01:00:00")
    eventually(lambda: client.output(number) == b"up\n", what="its first line")
    if way == "cancel":
        client.cancel(number)
    job = client.ended(number)[0]
    assert (job["state"], job["reason"], job["exit_code"]) == (state, reason, 0)


def test_a_waiting_job_is_cancelled_at_once_and_never_starts(client: Client, nap: str) -> None:
    running = client.submit(nap, cpus=2)
    client.until(running, "ACTIVE")
    waiting = client.submit("echo started")
    client.until(waiting, "QUEUED")
    assert client.cancel(waiting).json["state"] == "CANCELLED"
    client.cancel(running)
    client.ended(running)
    assert client.job(waiting)["started_at"] is None
    assert client.output(waiting) == b""


def test_a_placed_job_is_cancelled_at_once_and_never_starts(platform: Platform, client: Client) -> None:
    with stopped(platform, "worker"):
        number = client.submit("echo started")
        client.until(number, "PLACED")
        assert client.cancel(number).json["state"] == "CANCELLED"
    after = client.submit("true")
    assert client.ended(after)[0]["state"] == "COMPLETED"
    assert client.job(number)["started_at"] is None
    assert client.output(number) == b""


CANCEL_WHILE_IT_STARTS = """
import time
from jobs import lifecycle
from jobs.models import Job
from jobs.states import STARTING, State
job = Job.objects.get(pk={number})
lifecycle.release(job, actor="tests")
until = time.monotonic() + 20
while time.monotonic() < until and job.step != STARTING and job.state == State.PENDING:
    job = Job.objects.select_related("node").get(pk=job.pk)
lifecycle.cancel(job, actor="tests")
print(*job.events.filter(kind="cancel requested").values_list("from_phase", flat=True))
"""


def test_a_job_that_is_cancelled_while_it_starts_is_told_in_time(
    platform: Platform, client: Client, nap: str, request: pytest.FixtureRequest
) -> None:
    def cancelled_while_it_started() -> dict[str, Any]:
        number = client.submit(nap, hold=True)
        seen = tell(platform, CANCEL_WHILE_IT_STARTS.format(number=number))
        job = client.ended(number)[0]
        return job if seen == "STARTING" else {}

    job = eventually(cancelled_while_it_started, within=90, what="a cancel in STARTING")
    gone = seconds(job, "cancel_requested_at", "ended_at")
    say(request.node.name, gone_after_cancel=gone)
    assert job["state"] == "CANCELLED"
    assert gone <= DUE


def test_a_job_is_held_as_its_node_says_that_it_holds_jobs(client: Client) -> None:
    """The node's trial, the claim, the job's own processes and what is told of them say one thing."""
    (node,) = client.ask("GET", "nodes/").json["results"]
    job = client.submit("grep Cpus_allowed_list /proc/self/status; cat /proc/self/cgroup")
    (ended,) = client.ended(job)
    said = client.output(job).decode()
    assert ended["allocation"]["enforcement"] == node["enforcement"]
    in_group = f"/{job}.{ended['attempt']}\n" in said
    assert in_group == (node["enforcement"]["processes"]["level"] == "enforced")
    bound_to = ",".join(map(str, ended["allocation"]["cpu_indices"]))
    assert bool(bound_to) == (node["enforcement"]["cpu"]["means"] != "none")
    assert f"Cpus_allowed_list:\t{bound_to}" in said
