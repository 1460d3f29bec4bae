"""A person's shell in a directory of their own, on the machine where a platform runs."""

import os
import signal
import socket
import subprocess
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import Self

from tests.client import Client
from tests.platform import Platform
from tests.session import ROOT

JOBSITE = str(ROOT / "bin" / "jobsite")
SCRIPT = "#!/bin/sh\necho begun; sleep 1; echo ended in $PWD\n"


class Shell:
    """Calls `jobsite` as a person does who has set nothing but where the platform keeps its data."""

    def __init__(self, platform: Platform, here: Path) -> None:
        self.platform = platform
        self.here = here
        self.client = Client(platform.url, platform.cli_token)
        (here / "job.sh").write_text(SCRIPT)

    def start(self, *words: str, **variables: str) -> "subprocess.Popen[bytes]":
        """A call that goes on."""
        told = {"PATH": os.environ["PATH"], "JOBSITE_VAR": str(self.platform.var), **variables}
        return subprocess.Popen(
            [JOBSITE, *words],
            cwd=self.here,
            env=told,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def call(self, *words: str, **variables: str) -> tuple[int, str, str]:
        """The exit code, the output, and what was said on standard error."""
        calling = self.start(*words, **variables)
        output, said = calling.communicate(timeout=90)
        assert b"Traceback" not in said
        return calling.returncode, output.decode(), said.decode()

    def submit(self, *words: str) -> int:
        """The number of a new job."""
        code, number, said = self.call("submit", "--parsable", "--mem", "16", *words)
        assert code == 0, said
        return int(number)

    def detach(self, number: signal.Signals) -> tuple[int, str]:
        """Run a job of a moment and leave it by this signal: the exit code, and what was said."""
        calling = self.start("run", "--mem", "16", "--", "sh", "-c", "echo here; sleep 2; echo there")
        assert calling.stdout
        assert calling.stdout.readline() == b"here\n"
        calling.send_signal(number)
        _, said = calling.communicate(timeout=20)
        return calling.returncode, said.decode()

    @property
    def newest(self) -> int:
        """The number of the newest job."""
        return int(self.client.ask("GET", "jobs/?limit=1").json["results"][0]["id"])


class LossyRoad:
    """A port that leads to the platform and loses the first answer on its way back."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.lost = 0

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = Thread(target=self._serve)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    @property
    def url(self) -> str:
        """Where it begins."""
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def _serve(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            with near, socket.create_connection(("127.0.0.1", self._port)) as far:
                sending = Thread(target=_pour, args=(near, far), daemon=True)
                sending.start()
                answer = b"".join(iter(lambda far=far: far.recv(65536), b""))  # type: ignore[misc]
                if self.lost:
                    near.sendall(answer)
                else:
                    self.lost += 1
                near.shutdown(socket.SHUT_RDWR)  # closing alone waits for the thread that still reads


def _pour(near: socket.socket, far: socket.socket) -> None:
    try:
        while data := near.recv(65536):
            far.sendall(data)
    except OSError:
        return
