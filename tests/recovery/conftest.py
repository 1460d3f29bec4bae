"""A spool and a station of each test's own, and a broker whose queues are empty."""

from collections.abc import Iterator
from typing import Any

import pytest
from celery import current_app

from tests.jobs.execution.running import spool, station

__all__ = ["broker", "spool", "station"]


@pytest.fixture
def broker() -> Iterator[Any]:
    """The session's real broker, by its own client."""
    with current_app.connection_for_write() as connection:
        channel: Any = connection.default_channel
        client = channel.client
        client.flushdb()
        yield client
        client.flushdb()
