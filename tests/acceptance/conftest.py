"""What the acceptance tests share. A module of them says in `environment` where its platform is."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.acceptance import promise
from tests.acceptance.witness import Gate, Witness


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


@pytest.fixture
def promise_kept(environment: Mapping[str, str]) -> Iterator[None]:
    """At the end of a test every invariant holds."""
    yield
    promise.is_kept(environment)
