"""Stands between a process and a server: slow, cut, half-open, or mute at a chosen word."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

CHUNK = 65536

Address = Path | tuple[str, int]
"""Of a unix socket, or host and port."""


class Proxy:
    """A socket that leads to another one."""

    def __init__(self, path: Address, server: Address) -> None:
        self.path = path
        self.delay = 0.0
        """How long each piece of data is on its way, in both directions."""
        self.mute_at: list[bytes] = []
        """Pieces of data with these words go by in this order, but the last one.

        That one does not arrive, and nothing after it on its way.
        """
        self.muted = threading.Event()
        self._server = server
        self._open, self._answers = threading.Event(), threading.Event()
        self._open.set()
        self._answers.set()
        self._closed = threading.Event()
        self._sockets: set[socket.socket] = set()
        self._listener = socket.socket(_family(path), socket.SOCK_STREAM)
        self._listener.bind(_name(path))
        self._listener.listen(64)
        threading.Thread(target=self._serve, daemon=True).start()

    @contextmanager
    def cut(self) -> Iterator[None]:
        """Nothing gets through meanwhile, and nobody is told so; then what was open is closed."""
        self._open.clear()
        try:
            yield
        finally:
            self.reset()
            self._open.set()

    @contextmanager
    def half_open(self) -> Iterator[None]:
        """What is sent arrives, and no answer comes back; then what was open is closed."""
        self._answers.clear()
        try:
            yield
        finally:
            self.reset()
            self._answers.set()

    @property
    def port(self) -> int:
        """At which it listens, if it does at a port."""
        return int(self._listener.getsockname()[1])

    def reset(self) -> None:
        """Close every connection. New ones are served."""
        for end in list(self._sockets):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Serve nobody any more."""
        self._closed.set()
        self._open.set()
        self._answers.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.reset()

    def _serve(self) -> None:
        with suppress(OSError):  # it was closed
            while True:
                near, _ = self._listener.accept()
                far = socket.socket(_family(self._server), socket.SOCK_STREAM)
                self._sockets |= {near, far}
                with suppress(OSError):  # a server that is away hangs up on whoever calls
                    far.connect(_name(self._server))
                for pair in ((near, far, self._open), (far, near, self._answers)):
                    threading.Thread(target=self._pump, args=pair, daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket, gate: threading.Event) -> None:
        with suppress(OSError):
            while data := source.recv(CHUNK):
                self._closed.wait(self.delay)
                self._open.wait()
                gate.wait()
                if self.mute_at and self.mute_at[0] in data:
                    del self.mute_at[0]
                    if not self.mute_at:
                        self.muted.set()
                        self._closed.wait()
                target.sendall(data)
        for end in (source, target):
            self._sockets.discard(end)
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
                end.close()


def _family(address: Address) -> socket.AddressFamily:
    return socket.AF_UNIX if isinstance(address, Path) else socket.AF_INET


def _name(address: Address) -> str | tuple[str, int]:
    return str(address) if isinstance(address, Path) else address


@contextmanager
def between(path: Address, server: Address) -> Iterator[Proxy]:
    """A proxy for as long as the block lasts."""
    made = Proxy(path, server)
    try:
        yield made
    finally:
        made.close()
