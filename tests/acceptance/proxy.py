"""Stands between a worker and the broker: as slow as a test wants, cut, or mute at a chosen word."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

CHUNK = 65536


class Proxy:
    """A unix socket that leads to another one."""

    def __init__(self, path: Path, broker: Path) -> None:
        self.path = path
        self.delay = 0.0
        """How long each piece of data is on its way, in both directions."""
        self.mute_at: list[bytes] = []
        """Pieces of data with these words go by in this order, but the last one.

        That one does not arrive, and nothing after it on its way.
        """
        self.muted = threading.Event()
        self._broker = broker
        self._open = threading.Event()
        self._open.set()
        self._closed = threading.Event()
        self._sockets: set[socket.socket] = set()
        self._server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._server.bind(str(path))
        self._server.listen(64)
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

    def reset(self) -> None:
        """Close every connection. New ones are served."""
        for end in list(self._sockets):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Serve nobody any more."""
        self._closed.set()
        self._open.set()
        with suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self.reset()

    def _serve(self) -> None:
        with suppress(OSError):  # it was closed
            while True:
                near, _ = self._server.accept()
                far = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
                self._sockets |= {near, far}
                with suppress(OSError):  # a broker that is away hangs up on the worker
                    far.connect(str(self._broker))
                for pair in ((near, far), (far, near)):
                    threading.Thread(target=self._pump, args=pair, daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(CHUNK):
                self._closed.wait(self.delay)
                self._open.wait()
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


@contextmanager
def between(path: Path, broker: Path) -> Iterator[Proxy]:
    """A proxy for as long as the block lasts."""
    made = Proxy(path, broker)
    try:
        yield made
    finally:
        made.close()
