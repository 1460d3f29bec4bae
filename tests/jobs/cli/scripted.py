"""A server on a real socket that answers as it was told to, in order, and remembers what it was asked."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import TracebackType
from typing import Any, NamedTuple, Self

from jobs.cli.config import Config
from jobs.cli.server import Server

JOB: Mapping[str, Any] = {
    "id": 12,
    "url": "http://127.0.0.1:8000/jobs/12/",
    "name": "train",
    "owner": "ana",
    "partition": "default",
    "cpus": 4,
    "memory_mb": 8192,
    "gpus": 0,
    "time_limit": 7200,
    "work_dir": "/home/ana",
    "stdin_path": "",
    "stdout_path": "",
    "stderr_path": "",
    "open_mode": "truncate",
    "signal": None,
    "requeue": False,
    "max_attempts": 5,
    "priority": 0,
    "hold": "",
    "state": "PENDING",
    "phase": "QUEUED",
    "reason": "Resources",
    "detail": "It needs 4 CPUs; n1 has 1 free.",
    "exit_code": None,
    "exit_signal": None,
    "exit_status": "",
    "core_dumped": False,
    "last_words": "",
    "cpu_seconds": None,
    "max_rss_mb": None,
    "advice": "",
    "allocation": None,
    "attempt": 0,
    "node": None,
    "submitted_at": "2026-01-02T03:00:00Z",
    "started_at": None,
    "ended_at": None,
    "limit_at": None,
    "source": "cli",
    "rerun_of": None,
}


def job(**changes: object) -> dict[str, Any]:
    """A job as the API shows it."""
    return {**JOB, **changes}


def running(**changes: object) -> dict[str, Any]:
    """One that has run for ten minutes at four."""
    started = {"state": "RUNNING", "phase": "ACTIVE", "reason": "", "detail": "", "node": "n1"}
    return job(**{**started, "started_at": "2026-01-02T03:50:00Z", **changes})


def ended(state: str, **changes: object) -> dict[str, Any]:
    """One that ran for a minute."""
    return running(**{"state": state, "phase": "DONE", "ended_at": "2026-01-02T03:51:00Z", **changes})


class Reply(NamedTuple):
    """One answer."""

    status: int
    body: bytes
    headers: Mapping[str, str]


LOST = Reply(0, b"", {})
"""The request is read, and the connection closed without an answer."""


def reply(content: object, status: int = 200, **headers: str) -> Reply:
    """An answer in JSON."""
    return Reply(status, json.dumps(content).encode(), headers)


def piece(data: bytes, *, start: int = 0, ended: bool = False, attempt: int = 1) -> Reply:
    """An answer with output up to its present end."""
    after = str(start + len(data))
    told = {"X-Jobsite-Next": after, "X-Jobsite-Size": after, "X-Jobsite-Ended": str(ended).lower()}
    return Reply(200, data, {**told, "X-Jobsite-Attempt": str(attempt)})


class Asked(NamedTuple):
    """One request."""

    method: str
    path: str
    headers: Message
    body: bytes


@dataclass
class ScriptedServer:
    """Entered: it listens. The last reply is given to whoever asks after the end of the script."""

    replies: list[Reply]
    asked: list[Asked] = field(default_factory=list)

    def __enter__(self) -> Self:
        script = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                script._answer(self)

            def do_POST(self) -> None:
                script._answer(self)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._listener = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = Thread(target=self._listener.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.shutdown()
        self._listener.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._listener.server_port}"

    @property
    def client(self) -> Server:
        """The command line's way to it."""
        return Server(Config.read({"JOBSITE_URL": self.url, "JOBSITE_API_TOKEN": "jst_token"}))

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers.get("Content-Length", "0")))
        self.asked.append(Asked(handler.command, handler.path, handler.headers, body))
        chosen = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        if chosen is LOST:
            handler.close_connection = True
            return
        handler.send_response(chosen.status)
        for name, text in chosen.headers.items():
            handler.send_header(name, text)
        handler.send_header("Content-Length", str(len(chosen.body)))
        handler.end_headers()
        handler.wfile.write(chosen.body)
