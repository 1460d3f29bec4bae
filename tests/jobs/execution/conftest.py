"""A node with a real spool on this machine and this boot, and processes that carry its marker."""

import os
import subprocess
from collections.abc import Callable, Iterator

import pytest

from jobs import lifecycle
from jobs.execution import procfs
from jobs.execution.agent import NodeAgent
from jobs.execution.spool import Spool
from jobs.execution.station import Station
from jobs.models import Job
from tests import making
from tests.jobs.execution.running import spool, station
from tests.recovery.conftest import broker

__all__ = ["broker", "claimed", "marked", "spool", "station"]

Process = subprocess.Popen[bytes]


@pytest.fixture
def agent(spool: Spool) -> NodeAgent:
    """One that speaks for its node, and whose threads do not run: the test does what they do."""
    agent = NodeAgent("n1", spool, leave=pytest.fail)
    assert agent._take_lease()
    agent.lease.renew(hears_broker=True)
    return agent


@pytest.fixture
def claimed(station: Station) -> Callable[[], Job]:
    """Make a job that this station has claimed, with its directory and without a ticket."""

    def make() -> Job:
        job = making.placed()
        spool_id = station.spool.spool_id
        assert lifecycle.start(job, boot_id=station.boot_id, spool_id=spool_id, actor="n1")
        assert station.directory_of(job).make()
        return job

    return make


@pytest.fixture
def marked() -> Iterator[Callable[[str], Process]]:
    """Start a process that waits and carries this marker."""
    started: list[Process] = []

    def start(token: str) -> Process:
        command = ["/bin/sleep", "600"]
        environment = {"PATH": os.defpath, procfs.MARKER: token}
        started.append(subprocess.Popen(command, env=environment, start_new_session=True))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()
