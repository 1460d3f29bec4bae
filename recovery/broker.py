"""Is this job's message in the broker? One exact look, keyed on job and attempt.

Absence never proves anything: a worker may hold a message that it has popped and not claimed yet. The look
saves needless messages; what keeps a job from starting twice is the guarded claim and the ticket. The order
of the look matters: messages enter a list at its head and leave at its tail, so paging from the head skips
none; then the unacknowledged ones, which left a list meanwhile; then the lists again,
for those that were put back (kombu/transport/redis.py).
"""

import base64
import binascii
import json
import logging
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from typing import Any, TypeVar

from celery import current_app
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from jobs.messages import node_queue

logger = logging.getLogger(__name__)

PAGE = 1000
IN_HAND = 5
"""Seconds for which a message that a worker has taken and not acknowledged counts as being there."""

Pair = tuple[int, int]
Answer = TypeVar("Answer")


def messages_of(node_names: Collection[str]) -> dict[str, set[Pair]] | None:
    """The (job, attempt) pairs whose messages wait in each of these nodes' queues.

    None: the broker does not answer.
    """
    return _ask(lambda channel: _look(channel, node_names))


def count_messages(node_names: Collection[str]) -> Counter[int] | None:
    """How many messages of each job wait in these nodes' queues, by the job's number.

    Each list is read at one moment, so that none is counted twice. None: the broker does not answer.
    """
    return _ask(lambda channel: Counter(job for name in node_names for job, _ in _at_once(channel, name)))


def _ask(question: Callable[[Any], Answer]) -> Answer | None:
    try:
        with current_app.connection_for_read() as connection:
            return question(connection.default_channel)
    except (OperationalError, RedisError, OSError) as error:
        logger.warning("cannot look into the broker: %s", error)
        return None


def _look(channel: Any, node_names: Collection[str]) -> dict[str, set[Pair]]:
    seen = {name: set(_waiting(channel, name)) for name in node_names}
    unacknowledged = list(_unacknowledged(channel))
    for queue, pair in unacknowledged:
        for name in node_names:
            if node_queue(name).name == queue:
                seen[name].add(pair)
    if unacknowledged:
        for name in node_names:
            seen[name] |= set(_waiting(channel, name))
    return seen


def _waiting(channel: Any, node_name: str) -> Iterator[Pair]:
    for key in _lists(channel, node_name):
        yield from _listed(channel.client, key)


def _at_once(channel: Any, node_name: str) -> Iterator[Pair]:
    for key in _lists(channel, node_name):
        yield from filter(None, map(_pair, channel.client.lrange(key, 0, -1)))


def _lists(channel: Any, node_name: str) -> list[str]:
    """The lists of this node's queue: there is one for each priority."""
    return [channel._q_for_pri(node_queue(node_name).name, step) for step in channel.priority_steps]


def _listed(client: Any, key: str) -> Iterator[Pair]:
    start = 0
    while page := client.lrange(key, start, start + PAGE - 1):
        yield from filter(None, map(_pair, page))
        start += len(page)


def _unacknowledged(channel: Any) -> Iterator[tuple[str, Pair]]:
    """Those that a worker has just taken, with their queue.

    It acknowledges what it starts at once; older ones died with it. The time is by the worker's clock: one
    that is ahead must not keep a message from being sent again until that time comes.
    """
    now, _microseconds = channel.client.time()
    tags = channel.client.zrangebyscore(channel.unacked_index_key, now - IN_HAND, now + IN_HAND)
    for value in channel.client.hmget(channel.unacked_key, tags) if tags else ():
        try:
            payload, _exchange, queue = json.loads(value or b"")
        except (ValueError, TypeError, RecursionError):
            continue
        pair = _carried(payload)
        if pair is not None and isinstance(queue, str):  # its key and its queue have one name
            yield queue, pair


def _pair(raw: bytes) -> Pair | None:
    """The pair that a message carries. None: it is not one of ours, whoever put it there."""
    try:
        return _carried(json.loads(raw))
    except (ValueError, RecursionError):
        return None


def _carried(payload: Any) -> Pair | None:
    try:
        job_id, attempt = json.loads(base64.b64decode(payload["body"]))[0]
    except (ValueError, KeyError, TypeError, IndexError, binascii.Error, RecursionError):
        return None
    return (job_id, attempt) if type(job_id) is int and type(attempt) is int else None
