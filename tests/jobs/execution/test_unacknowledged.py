"""A worker outlives a broker that died before a message was acknowledged."""

import os
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import pytest
from kombu import Connection, Exchange, Queue
from kombu.transport.redis import QoS

from jobs.execution import unacknowledged
from jobs.execution.bootstep import AgentStep
from tests.acceptance.proxy import between

QUEUE = Queue("unacknowledged", Exchange("unacknowledged"), routing_key="unacknowledged")
BROKER = Path(unquote(urlsplit(os.environ["REDIS_URL"]).path))


@pytest.fixture(autouse=True)
def _as_it_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of kombu: another test's worker step may have changed it in this process."""
    monkeypatch.setattr(QoS, "restore_at_shutdown", True)


def lose_the_broker(directory: Path) -> None:
    """A message was taken, the connection breaks, and is given up before its channel is closed."""
    with between(directory / "s", BROKER) as proxy:
        connection: Any = Connection(f"redis+socket://{quote(str(proxy.path))}")
        channel = connection.default_channel
        bound = QUEUE(channel)
        bound.declare()
        connection.Producer(channel).publish("look", exchange=bound.exchange, routing_key=bound.routing_key)
        assert bound.get(no_ack=False)
    connection.transport.client = None
    channel.close()


def test_f17_what_is_unacknowledged_when_the_broker_dies_does_not_end_the_worker(tmp_path: Path) -> None:
    """F17: it hears the next message without a restart."""
    unacknowledged.leave()
    lose_the_broker(tmp_path)


def test_f17_left_to_itself_kombu_would_end_it(tmp_path: Path) -> None:
    """F17: when this fails, kombu does better, and the module is needed no longer."""
    with pytest.raises(AttributeError, match="hostname"):
        lose_the_broker(tmp_path)


def test_each_worker_leaves_what_is_unacknowledged() -> None:
    AgentStep(None)
    assert QoS.restore_at_shutdown is False
