"""What a wrapper does, a step at a time: the real one's order of fork, link, pipe and exit.json.

Its files are real, and so is its fence; its processes are those of its host's table.
"""

import contextlib
import json
import os
import signal
from typing import Any

from jobs.execution.exit_file import NAME as EXIT_FILE
from jobs.execution.fence import Fence
from jobs.execution.spool import AttemptDirectory
from tests.machine.clock import Clock
from tests.machine.host import Host
from tests.machine.stage import Process, acting

ASKED, FORKED, LINKED, SUPERVISES = "asked", "forked", "linked", "supervises"


class Wrapper:
    """One attempt's. `answer` is what the launcher hears: None for as long as it hears nothing."""

    def __init__(self, host: Host, directory: AttemptDirectory, clock: Clock) -> None:
        self.host, self._clock = host, clock
        self.pair = directory.pair
        self.token = directory.token
        self.request: dict[str, Any] = json.loads((directory.path / "request.json").read_bytes())
        self._directory = os.open(directory.path, os.O_RDONLY | os.O_DIRECTORY)
        self.entry = host.spawn("wrapper", token=self.token)
        self.child = self.entry
        self.state = ASKED
        self.answer: str | None = None
        self.starts = 0
        self.exit_code: int | None = None
        self.cause: str | None = None
        self._not_run = ""
        self._began = 0.0
        self._fence = self._make_fence()

    @property
    def lives(self) -> bool:
        """It can do something."""
        return self.host.is_alive(self.entry) and not self.entry.is_frozen

    @property
    def job_runs(self) -> bool:
        """Its job's process lives."""
        return self.child.kind == "job" and self.host.is_alive(self.child)

    @property
    def limit_is_over(self) -> bool:
        """It is past its time."""
        return self._clock.seconds >= self._began + float(self.request["time_limit_seconds"])

    def step(self) -> None:
        """The next thing that it does."""
        if not self.lives:
            return
        match self.state:
            case "asked":
                self.child = self.host.spawn("child", token=self.token, parent=self.entry.pid)
                self.child.dies_with_parent = bool(self.request["requeue"])
                self.state = FORKED
            case "forked":
                self._link()
            case "linked":
                self._open()
            case "supervises":
                self._supervise()

    def look(self) -> None:
        """What it does by the clock: the fence and the limit are never put off."""
        if self.lives and self.state == SUPERVISES and self.job_runs and self.cause is None:
            if self._is_fenced():
                self._stop("fenced", signal.SIGKILL)
            elif self.limit_is_over:
                self._stop("limit", signal.SIGTERM)

    def end_job(self, code: int) -> None:
        """The job's process ends by itself."""
        self.exit_code = code
        self.host.end(self.child)

    def close(self) -> None:
        """Leave no descriptor."""
        os.close(self._directory)
        if self.request["requeue"]:
            os.close(self._fence.spool)

    def _make_fence(self) -> Fence:
        before = os.open(".", os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fchdir(self._directory)
            with acting(Process(self.token, host=self.host)):
                return Fence(self.request, self._clock.seconds)
        finally:
            os.fchdir(before)
            os.close(before)

    def _is_fenced(self) -> bool:
        if self._clock.seconds < self._fence.due:
            return False
        return bool(self._fence.look(self._clock.seconds))

    def _link(self) -> None:
        if self._fence.look(self._clock.seconds):
            self._refuse("its node has not renewed its lease for too long")
            return
        ticket = {
            "version": 1,
            "boot_id": self.host.boot_id,
            "wrapper_pid": self.entry.pid,
            "wrapper_ticks": self.entry.ticks,
            "pid": self.child.pid,
            "start_ticks": self.child.ticks,
            "note": "",
        }
        try:
            self._write(".ticket", ticket)
            try:
                os.link(".ticket", "ticket", src_dir_fd=self._directory, dst_dir_fd=self._directory)
            finally:
                os.unlink(".ticket", dir_fd=self._directory)
        except OSError as error:
            self._refuse(f"the ticket could not be linked: {error}")
        else:
            self.state = LINKED

    def _refuse(self, why: str) -> None:
        self.host.end(self.child)
        self.host.end(self.entry)
        self.answer = why

    def _open(self) -> None:
        self._began = self._clock.seconds
        self.state, self.answer = SUPERVISES, "linked"
        if self._fence.look(self._clock.seconds):
            self.cause, self._not_run = "fenced", "its node has not renewed its lease for too long"
            self.host.end(self.child)
        else:
            self.child.kind = "job"
            self.starts += 1

    def _supervise(self) -> None:
        if self.host.is_alive(self.child):
            if self.entry.was_asked and self._is_cancelled():
                self._stop("cancel", signal.SIGTERM)
            self.entry.was_asked = False
            self.look()
        else:
            self._record()

    def _is_cancelled(self) -> bool:
        try:
            os.stat("cancel", dir_fd=self._directory)
        except FileNotFoundError:
            return False
        return self.cause is None

    def _stop(self, cause: str, number: int) -> None:
        self.cause = cause
        self.host.end(self.child, by=number)

    def _record(self) -> None:
        """The last word, where its directory still has a name."""
        launched = not self._not_run
        told = {
            "version": 1,
            "job_id": self.pair[0],
            "attempt": self.pair[1],
            "cause": self.cause,
            "wall_seconds": self._clock.seconds - self._began,
            "exit_code": self.exit_code if launched else None,
            "exit_signal": self.child.killed_by or None if launched else None,
            "launch_error": self._not_run or None,
            "cpu_seconds": 0.0,
            "max_rss_kb": 0,
        }
        with contextlib.suppress(FileNotFoundError):
            self._write(".exit", told)
            os.rename(".exit", EXIT_FILE, src_dir_fd=self._directory, dst_dir_fd=self._directory)
        self.host.end(self.entry)

    def _write(self, name: str, content: dict[str, Any]) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        with os.fdopen(os.open(name, flags, 0o600, dir_fd=self._directory), "w") as file:
            json.dump(content, file)
