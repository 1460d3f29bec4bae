"""The worker's end of the launcher: asks it for a wrapper, and starts another one when it has gone.

An attempt that two launchers were asked for starts once all the same: its ticket decides, not who asked.
"""

import atexit
import logging
import os
import select
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from jobs import faults
from jobs.execution import marker
from jobs.execution.spool import AttemptDirectory

logger = logging.getLogger("jobs.agent")

ROOT = Path(__file__).resolve().parent.parent.parent
PATIENCE = 60.0
CODE = (
    f"import sys; sys.path.insert(0, {str(ROOT)!r}); "
    "import _socket, contextlib, ctypes, errno, json, resource, signal, stat, time; "
    "from jobs.execution import dense; dense.pack(); "
    "from jobs.execution.launcher_process import main; raise SystemExit(main())"
)
"""What is ours is imported last, to lie together."""
LINKED = "linked"
GONE = select.POLLHUP | select.POLLERR


@dataclass(frozen=True)
class Launched:
    """The wrapper linked the ticket, so the job starts."""


@dataclass(frozen=True)
class Refused:
    """The job does not start by this wrapper, and why."""

    why: str


class Launcher:
    """One launcher process. Its environment, session and descriptors hold nothing of the worker's."""

    def __init__(self) -> None:
        self._requests, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._requests.settimeout(PATIENCE)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-OO", "-c", CODE],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                cwd="/",
                env={
                    **marker.environment(),
                    **faults.environment(),
                    "PATH": os.defpath,
                    "LANG": "C.UTF-8",
                    "LD_BIND_NOW": "1",
                },
                start_new_session=True,
            )

    def __del__(self) -> None:
        self._requests.close()  # not before the last thread that asks has gone: the number may be used again

    @property
    def pid(self) -> int:
        """Its process."""
        return int(self._process.pid)

    def ask(self, request: bytes, patience: float) -> str:
        """A wrapper's answer. Empty: it ended, or the launcher did, without any. Raises TimeoutError."""
        heard, reply = os.pipe2(os.O_CLOEXEC)
        try:
            try:
                socket.send_fds(self._requests, [request], [reply])
            except (BrokenPipeError, ConnectionResetError):
                return ""
            finally:
                os.close(reply)
            return _read(heard, patience)
        finally:
            os.close(heard)

    def has_gone(self) -> bool:
        """Nobody hears what it is asked: it has ended, or its socket is closed.

        A wrapper that it was just forking may hold the socket open for a moment longer than it lives.
        """
        if self._process.poll() is not None:
            return True
        poll = select.poll()
        poll.register(self._requests, 0)
        return any(event & GONE for _, event in poll.poll(0))

    def end(self) -> None:
        """End it. Its wrappers go on, and whoever is just asking it hears that it has gone."""
        self._requests.shutdown(socket.SHUT_RDWR)
        self._process.kill()
        self._process.wait()


class _Launchers:
    """The one launcher of this worker, started when it is needed first and when the last one has gone."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._current: Launcher | None = None

    def current(self) -> Launcher:
        with self._lock:
            if self._current is not None and self._current.has_gone():
                logger.warning("the launcher, pid %s, has gone; another one is started", self._current.pid)
                self._current.end()
                self._current = None
            if self._current is None:
                self._current = Launcher()
            return self._current

    def end(self, launcher: Launcher | None = None) -> None:
        """End this one if it is the current one; or whichever is."""
        with self._lock:
            if self._current is not None and launcher in (None, self._current):
                self._current.end()
                self._current = None


_launchers = _Launchers()


def start() -> int:
    """Have a launcher ready; its pid. Without this, the first launch starts it."""
    return _launchers.current().pid


def stop() -> None:
    """End the launcher. The jobs go on."""
    _launchers.end()


atexit.register(stop)


def launch(directory: AttemptDirectory) -> Launched | Refused:
    """Start the wrapper of one attempt, and wait for its word on whether the ticket is its own."""
    boot_id_file = os.environ.get("JOBSITE_BOOT_ID_FILE", "")
    facts = (directory.token, boot_id_file, str(directory.path))
    request = b"\0".join(os.fsencode(fact) for fact in facts)
    deadline = time.monotonic() + PATIENCE
    word = ""
    for _ in range(2):
        launcher = _launchers.current()
        try:
            word = launcher.ask(request, deadline - time.monotonic())
        except TimeoutError:
            _launchers.end(launcher)
            return Refused("the launcher did not answer; it is replaced")
        if word or not launcher.has_gone():
            break
    return Launched() if word == LINKED else Refused(word or "it ended without an answer")


def _read(descriptor: int, patience: float) -> str:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    if not poll.poll(max(patience, 0) * 1000):
        raise TimeoutError
    return os.read(descriptor, 4096).decode(errors="replace").strip()
