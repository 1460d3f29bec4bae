"""Hears PostgreSQL's notifications, on a connection of its own that no pooler may stand behind.

A notification only saves waiting: whoever listens also looks by itself every so often, so a deaf ear costs
latency and nothing else.
"""

import logging
import threading
from typing import Self

import psycopg
import psycopg.sql
from psycopg.conninfo import make_conninfo

from jobs.reach import bounded

logger = logging.getLogger(__name__)


class Ear:
    """Listens on one channel, and connects again by itself when the database went away."""

    def __init__(self, url: str, channel: str) -> None:
        self._url = url
        self._channel = channel
        self._connection: psycopg.Connection | None = None
        self._pause = threading.Event()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def wait(self, seconds: float) -> list[str] | None:
        """The payloads heard, at most `seconds` later. None: nothing was heard, or the database is away."""
        try:
            connection = self._connected()
            heard = [notice.payload for notice in connection.notifies(timeout=seconds, stop_after=1)]
            heard += [notice.payload for notice in connection.notifies(timeout=0)]
        except psycopg.Error as error:
            logger.warning("cannot listen on %s: %s", self._channel, str(error).strip())
            self.close()
            self._pause.wait(seconds)
            return None
        return heard or None

    def close(self) -> None:
        """Hang up."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connected(self) -> psycopg.Connection:
        if self._connection is None:
            self._connection = psycopg.connect(make_conninfo(**bounded(self._url)), autocommit=True)
            self._connection.execute(
                psycopg.sql.SQL("LISTEN {}").format(psycopg.sql.Identifier(self._channel))
            )
        return self._connection
