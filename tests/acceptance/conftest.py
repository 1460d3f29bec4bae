"""What the acceptance tests share. A module makes its `platform`, or says in `environment` where it is."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import redis

from tests.acceptance import promise
from tests.acceptance.split_rounds import Machines
from tests.acceptance.witness import Gate, Witness
from tests.client import Client
from tests.platform import Platform


@pytest.fixture
def witness(tmp_path: Path) -> Witness:
    """A file of the jobs' own."""
    return Witness(tmp_path / "witness")


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    """Jobs wait at it until the test opens it."""
    made = Gate(tmp_path / "gate")
    yield made
    made.close()


@pytest.fixture(scope="module")
def machines(platform: Platform) -> Iterator[Machines]:
    """Two more nodes of the module's platform."""
    with Machines(platform) as three:
        yield three


@pytest.fixture
def client(platform: Platform) -> Client:
    """The operator's own."""
    return Client(platform.url, platform.cli_token)


@pytest.fixture
def broker(platform: Platform) -> Iterator[redis.Redis]:
    """What waits in the platform's own broker, and what is put there."""
    with redis.Redis(unix_socket_path=str(platform.var / "run" / "broker.sock")) as connection:
        yield connection


@pytest.fixture
def environment(platform: Platform) -> Mapping[str, str]:
    """Where a command finds the servers and the spool of the test."""
    return platform.environment


@pytest.fixture(autouse=True)
def _promise_kept(environment: Mapping[str, str]) -> Iterator[None]:
    """At the end of each test here every invariant holds."""
    yield
    promise.is_kept(environment)
