"""The broker: a list of messages for each node, in which they may be lost, doubled, late and out of order."""

from collections import Counter
from collections.abc import Collection
from typing import Any

from kombu.exceptions import OperationalError

Pair = tuple[int, int]


class Broker:
    """What was sent and not yet taken, by node."""

    def __init__(self) -> None:
        self.queues: dict[str, list[Pair]] = {}
        self.sent: Counter[int] = Counter()
        self.is_away = False

    def post(self, _name: str, args: list[Any], **options: Any) -> None:
        """As `jobs.messages.post`. The queue is the node's, as Celery would declare it."""
        if self.is_away:
            raise OperationalError("the broker is away")
        job_id, attempt = args
        self.sent[job_id] += 1
        self.queues.setdefault(options["queue"].name.removeprefix("node."), []).append((job_id, attempt))

    def messages_of(self, node_names: Collection[str]) -> dict[str, set[Pair]] | None:
        """As `recovery.broker.messages_of`."""
        if self.is_away:
            return None
        return {name: set(self.queues.get(name, ())) for name in node_names}

    def waiting(self) -> list[tuple[str, Pair]]:
        """Every message, with its node."""
        return [(name, pair) for name, queue in sorted(self.queues.items()) for pair in queue]
