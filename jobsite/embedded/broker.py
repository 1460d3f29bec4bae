"""The embedded broker: Valkey or Redis on a unix socket in var/run, its append-only file in var/broker."""

import os
import signal
import socket
from collections.abc import Mapping
from pathlib import Path

from jobsite.embedded import binaries
from jobsite.embedded.leftover import end_those_in
from jobsite.embedded.lock import Lock


class Broker:
    """A Redis-compatible server. A second one on the same directory would silently take the socket over."""

    name = "broker"
    title = "Valkey"
    note = ""
    stop_signal = signal.SIGTERM

    def __init__(self, var: Path) -> None:
        self.data = var / "broker"
        self.socket = var / "run" / "broker.sock"
        self.lock = Lock(var / "run" / "broker.lock")

    def prepare(self) -> None:
        """Take the lock, end what a killed platform left, make the directory."""
        self.lock.acquire()
        self._binary = binaries.broker()
        end_those_in(self.data, self._binary, self.stop_signal)
        self.data.mkdir(mode=0o700, exist_ok=True)

    @property
    def argv(self) -> list[str]:
        """The command of the supervised child."""
        options = {
            "--port": "0",
            "--unixsocket": str(self.socket),
            "--unixsocketperm": "700",
            "--dir": str(self.data),
            "--appendonly": "yes",
            "--appendfsync": "everysec",
            "--maxmemory-policy": "noeviction",  # a queue must never lose an entry to make room
            "--save": "",
            "--daemonize": "no",
        }
        return [str(self._binary), *(part for option in options.items() for part in option)]

    @property
    def environment(self) -> Mapping[str, str]:
        """Nothing of ours."""
        return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}

    def is_ready(self, pid: int) -> bool:
        """It answers, and it is not still reading its file."""
        del pid
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                connection.settimeout(1.0)
                connection.connect(str(self.socket))
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False
