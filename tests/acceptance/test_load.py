"""Five hundred short jobs at once, two schedulers, two workers: each runs once; nothing is given twice."""

import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.acceptance.fixtures_faults import beside, say, tell
from tests.client import Client
from tests.eventually import eventually
from tests.platform import Platform

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(400)]

JOBS = 500
PATIENCE = 240.0


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """Two nodes of one CPU each, two schedulers."""
    with (
        Platform(tmp_path_factory.mktemp("load") / "v", JOBSITE_CPUS="1") as running,
        beside(running, "worker", JOBSITE_NODE_NAME="n2", JOBSITE_CPUS="1") as second,
        beside(running, "scheduler") as standby,
    ):
        second.says("n2@")
        second.says("ready.")
        standby.says("scheduler started")
        yield running


def all_ended(platform: Platform, client: Client, numbers: list[int]) -> Counter[str]:
    """Wait for the end of all, without asking for each of them again and again."""
    eventually(
        lambda: not client.ask("GET", "jobs/?state=PENDING,RUNNING&limit=1").json["results"],
        within=PATIENCE,
        every=0.25,
        what=f"the end of {len(numbers)} jobs",
    )
    states = "print(*Job.objects.values_list('state', flat=True))"
    return Counter(tell(platform, f"from jobs.models import Job; {states}").split())


def test_500_jobs_at_once_run_once_each_and_never_on_more_than_there_is(
    platform: Platform, client: Client, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """F09: five hundred of them."""
    witness = tmp_path / "witness"
    script = f"echo $JOBSITE_JOB_ID >> {witness}; sleep 0.01"
    begun = time.monotonic()
    with ThreadPoolExecutor(4) as pool:
        numbers = list(pool.map(lambda _: client.submit(script), range(JOBS)))
    submitted = time.monotonic() - begun
    states = all_ended(platform, client, numbers)
    took = time.monotonic() - begun
    say(
        request.node.name,
        submitted_in=f"{submitted:.1f}s",
        took=f"{took:.1f}s",
        jobs_per_second=f"{JOBS / took:.1f}",
    )
    assert states == {"COMPLETED": JOBS}
    assert Counter(map(int, witness.read_text().split())) == Counter(numbers)
    nodes = tell(
        platform, "from jobs.models import Job; print(*Job.objects.values_list('node__name', flat=True))"
    )
    say(request.node.name, **Counter(nodes.split()))
    assert set(nodes.split()) == {"n1", "n2"}
