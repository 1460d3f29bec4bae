"""Signals for a loop: it sleeps in `wait` and wakes at once for a request to stop or for a child's end."""

import select
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Final, Self

STOPPING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopRequested(KeyboardInterrupt):
    """Somebody asked us to stop during work that can be left undone. psycopg ends its query for this kind."""


class Wakeup:
    """While it is entered, SIGINT, SIGTERM and SIGHUP ask for a stop and SIGCHLD only wakes."""

    def __init__(self) -> None:
        self._requests: list[int] = []
        self._interrupting = False
        self._reader, self._writer = socket.socketpair()
        self._reader.settimeout(0)
        self._writer.settimeout(0)

    def __enter__(self) -> Self:
        signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        for number in STOPPING:
            signal.signal(number, self._request)
        signal.signal(signal.SIGCHLD, self._ignore)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        signal.set_wakeup_fd(-1)
        for number in (*STOPPING, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL if number != signal.SIGINT else signal.default_int_handler)
        self._reader.close()
        self._writer.close()

    @property
    def stop_requested(self) -> bool:
        """Somebody asked us to stop."""
        return bool(self._requests)

    @property
    def requested_by(self) -> int | None:
        """The signal that asked us to stop. None: none has."""
        return self._requests[0] if self._requests else None

    @property
    def hurry_requested(self) -> bool:
        """Somebody pressed Ctrl-C again. A closed terminal may send its SIGHUP twice and means it once."""
        return self.stop_requested and signal.SIGINT in self._requests[1:]

    @contextmanager
    def interrupting(self) -> Iterator[None]:
        """For slow work that may be left at any point: a request to stop ends it with `StopRequested`."""
        self._interrupting = True
        try:
            if self.stop_requested:
                raise StopRequested
            yield
        finally:
            self._interrupting = False

    def wait(self, seconds: float) -> None:
        """Sleep until a signal arrives, at most so long."""
        if select.select([self._reader], [], [], seconds)[0]:
            self._reader.recv(4096)

    def _request(self, number: int, _frame: FrameType | None) -> None:
        self._requests.append(number)
        if self._interrupting:
            self._interrupting = False  # a second request must not break what cleans up after the first
            raise StopRequested

    def _ignore(self, _number: int, _frame: FrameType | None) -> None:
        """A handler is needed: an ignored signal would not wake us."""
