"""The look into the real broker: exact, keyed on job and attempt, and honest when nobody answers."""

import base64
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from celery import current_app

from jobs import messages
from recovery import broker as looking
from recovery.broker import messages_of


@contextmanager
def taken(broker: Any) -> Iterator[Callable[[float], Any]]:
    """The message of 7.1 is in a worker's hands; how to say how many seconds from now it took it."""
    messages.publish(7, 1, "n1")
    with current_app.connection_for_read() as connection:
        queue = connection.SimpleQueue("node.n1")
        queue.get(timeout=10)
        (tag,) = broker.zrange("unacked_index", 0, -1)
        yield lambda seconds: broker.zadd("unacked_index", {tag: time.time() + seconds})
        queue.close()


def test_an_empty_broker_holds_no_message(broker: Any) -> None:
    assert messages_of(["n1"]) == {"n1": set()}
    assert messages_of([]) == {}


def test_a_message_is_found_by_job_and_attempt(broker: Any) -> None:
    messages.publish(7, 2, "n1")
    messages.publish(8, 1, "n1")
    assert messages_of(["n1"]) == {"n1": {(7, 2), (8, 1)}}


def test_messages_of_the_same_id_but_another_attempt_are_other_messages(broker: Any) -> None:
    messages.publish(7, 1, "n1")
    assert messages_of(["n1"]) == {"n1": {(7, 1)}}


def test_another_nodes_queue_is_another_queue(broker: Any) -> None:
    messages.publish(7, 1, "n2")
    assert messages_of(["n1"]) == {"n1": set()}
    assert messages_of(["n1", "n2"]) == {"n1": set(), "n2": {(7, 1)}}


def test_every_page_of_a_long_queue_is_read(broker: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, "PAGE", 3)
    for job in range(1, 11):
        messages.publish(job, 1, "n1")
    assert messages_of(["n1"]) == {"n1": {(job, 1) for job in range(1, 11)}}


def test_a_message_that_a_worker_has_just_taken_is_there_and_one_that_died_with_it_is_not(
    broker: Any,
) -> None:
    """F21: after a minute it counts as none."""
    with taken(broker) as redate:
        assert broker.llen("node.n1") == 0
        assert messages_of(["n1", "n2"]) == {"n1": {(7, 1)}, "n2": set()}
        redate(-60)  # its worker was killed a minute ago
        assert messages_of(["n1"]) == {"n1": set()}


def test_a_message_that_died_with_a_worker_whose_clock_is_ahead_is_not_there_until_that_hour_comes(
    broker: Any,
) -> None:
    """F21, F60: when it was taken is told by its worker's clock. Sent needlessly, a message does no harm."""
    with taken(broker) as redate:
        redate(3600)
        assert messages_of(["n1"]) == {"n1": set()}


def test_a_message_that_is_put_back_while_the_unacknowledged_are_read_is_found(
    broker: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def put_back(_: object) -> list[tuple[str, tuple[int, int]]]:
        messages.publish(7, 1, "n1")
        return [("node.n1", (8, 1))]

    monkeypatch.setattr(looking, "_unacknowledged", put_back)
    assert messages_of(["n1"]) == {"n1": {(7, 1), (8, 1)}}


def test_a_message_of_higher_priority_is_in_a_list_of_its_own_and_is_found(broker: Any) -> None:
    messages.post(messages.EXECUTE, [7, 1], queue=messages.node_queue("n1"), priority=9)
    assert broker.llen("node.n1") == 0
    assert messages_of(["n1"]) == {"n1": {(7, 1)}}


def encoded(content: object) -> str:
    return base64.b64encode(json.dumps(content).encode()).decode()


FOREIGN = [
    b"",
    b"\xff\x00",
    b"null",
    b"[]",
    b"7",
    b"[" * 100_000,
    b'{"body": 7}',
    b'{"body": "not base64"}',
    json.dumps({"body": encoded([["7", 1], {}, {}])}).encode(),
    json.dumps({"body": encoded([[7], {}, {}])}).encode(),
    json.dumps({"body": encoded([[True, 1], {}, {}])}).encode(),
    json.dumps({"body": encoded([[7.0, 1], {}, {}])}).encode(),
    json.dumps({"body": encoded({"0": [7, 1]})}).encode(),
    json.dumps({"body": encoded([[7, 1, 1], {}, {}])}).encode(),
]


@pytest.mark.parametrize("raw", FOREIGN)
def test_a_foreign_or_torn_message_is_no_message_and_hides_no_other(broker: Any, raw: bytes) -> None:
    messages.publish(8, 1, "n1")
    broker.lpush("node.n1", raw)
    broker.rpush("node.n1", raw)
    broker.hset("unacked", "tag", raw)
    broker.zadd("unacked_index", {"tag": time.time()})
    assert messages_of(["n1"]) == {"n1": {(8, 1)}}


def test_a_broker_that_is_away_tells_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    away = current_app.connection_for_read("redis+socket:///no/such/socket")
    monkeypatch.setattr(current_app, "connection_for_read", lambda: away)
    assert messages_of(["n1"]) is None


def test_a_queue_that_is_no_list_tells_nothing(broker: Any) -> None:
    broker.set("node.n1", "a text")
    assert messages_of(["n1"]) is None
