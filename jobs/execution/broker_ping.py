"""Asks the broker now and then whether it answers, in a thread of its own: a frozen broker stops nothing."""

import logging
import threading
import time
from datetime import timedelta
from typing import Any

from celery import current_app
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)


class BrokerPing:
    """Whether this node reaches the broker. `changed` is set when the answer has changed."""

    def __init__(self, every: timedelta, queue: str) -> None:
        self._queue = queue
        self._waiting = 0
        self._every = every.total_seconds() / 2
        self._heard_at: float | None = None
        self._hears = False
        self._stopping = threading.Event()
        self.changed = threading.Event()

    def start(self) -> None:
        """Begin to ask."""
        threading.Thread(target=self._run, name="broker-ping", daemon=True).start()

    def stop(self) -> None:
        """Ask no more, and wake whoever waits for a change."""
        self._stopping.set()
        self.changed.set()

    def hears(self) -> bool:
        """It answered the last time it was asked, and that is not long ago."""
        fresh = self._heard_at is not None and time.monotonic() - self._heard_at < 4 * self._every
        return self._hears and fresh

    def waiting(self) -> int:
        """How many messages its queue held then. 0: none, or nobody answered."""
        return self._waiting if self.hears() else 0

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._note(self._answers())
            self._stopping.wait(self._every)

    def _answers(self) -> bool:
        try:
            with current_app.connection_for_read() as connection:
                channel: Any = connection.default_channel
                answers = bool(channel.client.ping())
                self._waiting = channel._size(self._queue)
                return answers
        except (OperationalError, RedisError, OSError) as error:
            if self._hears:
                logger.warning("the broker does not answer: %s", error)
            return False
        except Exception:  # a thread that ends here would leave the node deaf for ever
            logger.exception("the broker gave an answer that nobody understands")
            return False

    def _note(self, hears: bool) -> None:  # noqa: FBT001 - it is the one thing noted
        if hears:
            self._heard_at = time.monotonic()
        if hears is not self._hears:
            self._hears = hears
            self.changed.set()
