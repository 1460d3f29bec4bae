"""Is this job's message in the broker? One exact look, keyed on job and attempt.

Absence never proves anything: a worker may hold a message that it has popped and not claimed yet. The look
saves needless messages; what keeps a job from starting twice is the guarded claim and the ticket. The order
of the look matters: messages enter a list at its head and leave at its tail, so paging from the head sees
none twice and skips none; then the unacknowledged ones, which left a list meanwhile; then the lists again,
for those that were put back (kombu/transport/redis.py).
"""

import base64
import binascii
import json
import logging
from collections.abc import Collection, Iterator
from typing import Any

from celery import current_app
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from jobs.messages import node_queue

logger = logging.getLogger(__name__)

PAGE = 1000
IN_HAND = 5
"""Seconds for which a message that a worker has taken and not acknowledged counts as being there."""

Pair = tuple[int, int]


def messages_of(node_names: Collection[str]) -> set[Pair] | None:
    """The (job, attempt) pairs whose messages wait in these nodes' queues.

    None: the broker does not answer.
    """
    queues = [node_queue(name).name for name in node_names]
    try:
        with current_app.connection_for_read() as connection:
            channel = connection.default_channel
            return _look(channel, queues)
    except (OperationalError, RedisError, OSError) as error:
        logger.warning("cannot look into the broker: %s", error)
        return None


def _look(channel: Any, queues: Collection[str]) -> set[Pair]:
    keys = [channel._q_for_pri(queue, step) for queue in queues for step in channel.priority_steps]
    seen = {pair for key in keys for pair in _listed(channel.client, key)}
    unacknowledged = set(_unacknowledged(channel))
    seen |= unacknowledged
    if unacknowledged:
        seen |= {pair for key in keys for pair in _listed(channel.client, key)}
    return seen


def _listed(client: Any, key: str) -> Iterator[Pair]:
    start = 0
    while page := client.lrange(key, start, start + PAGE - 1):
        yield from filter(None, map(_pair, page))
        start += len(page)


def _unacknowledged(channel: Any) -> Iterator[Pair]:
    """Those that a worker has just taken. It acknowledges what it starts at once; older ones died with it."""
    now, _microseconds = channel.client.time()
    tags = channel.client.zrangebyscore(channel.unacked_index_key, now - IN_HAND, "+inf")
    for value in channel.client.hmget(channel.unacked_key, tags) if tags else ():
        pair = _pair(value or b"", nested=True)
        if pair is not None:
            yield pair


def _pair(raw: bytes, *, nested: bool = False) -> Pair | None:
    """The pair that a message carries. None: it is not one of ours, whoever put it there."""
    try:
        message = json.loads(raw)
        payload = message[0] if nested else message
        body = json.loads(base64.b64decode(payload["body"]))
        job_id, attempt = body[0]
    except (ValueError, KeyError, TypeError, IndexError, binascii.Error, RecursionError):
        return None
    return (job_id, attempt) if type(job_id) is int and type(attempt) is int else None
