"""The real process set in a directory of its own: what `make run` starts, for tests that need all of it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from jobsite.drill.sandbox import free_ports
from jobsite.run.record import Identity, Record
from tests.eventually import eventually
from tests.remains import killed_in, remember
from tests.session import ROOT

__all__ = ["Platform", "free_ports"]

FOREIGN = (
    "JOBSITE_VAR",
    "JOBSITE_NODE_NAME",
    "JOBSITE_SECRET_KEY",
    "DATABASE_URL",
    "LISTEN_DATABASE_URL",
    "REDIS_URL",
)


class Platform:
    """`python -m jobsite.run` in a directory and on ports of its own. Entered: ready; left: gone."""

    patience = 60.0
    """Seconds until it must be ready."""

    def __init__(self, var: Path, *, prefix: Sequence[str] = (), **settings: str) -> None:
        self.var = var
        self.port, self.flower_port = free_ports(2)
        self.url = f"http://127.0.0.1:{self.port}"
        self._output = var.parent / f"{var.name}.output"
        self._prefix = prefix
        self._settings: Mapping[str, str] = {
            "JOBSITE_VAR": str(var),
            "JOBSITE_PORT": str(self.port),
            "JOBSITE_FLOWER_PORT": str(self.flower_port),
            "JOBSITE_NODE_NAME": "n1",
            "JOBSITE_CPUS": "4",
            "JOBSITE_MEMORY": "8G",
            "JOBSITE_TIME_SCALE": os.environ.get("JOBSITE_TIME_SCALE", "1"),
            **settings,
        }
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        try:
            return self.start().wait_ready(self.patience)
        except BaseException:
            self.__exit__(None, None, None)
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self.end_jobs()

    def start(self) -> Self:
        """Start it, the first time or again, without waiting."""
        inherited = {name: value for name, value in os.environ.items() if name not in FOREIGN}
        with self._output.open("wb") as output:
            self._process = subprocess.Popen(
                [*self._prefix, sys.executable, "-m", "jobsite.run"],
                cwd=ROOT,
                env={**inherited, **self._settings},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return self

    def wait_ready(self, within: float = 60.0) -> Self:
        """Wait for the line that says so. Fails with all that was printed."""
        eventually(
            lambda: "\nReady in" in self.output or self.exit_code is not None, within=within, what=self.output
        )
        assert "\nReady in" in self.output, self.output + self.logs()
        return self

    def wait_ended(self, within: float = 20.0) -> int:
        """Wait for its end; the exit code."""
        return int(self._running().wait(within))

    def stop(self, number: signal.Signals = signal.SIGTERM) -> float:
        """Stop it in order, if it runs; how many seconds that took. Jobs go on."""
        begun = time.monotonic()
        if self._process and self._process.poll() is None:
            remember(self._process.pid, self.var)
            self._process.send_signal(number)
            self._process.wait(20)
        return time.monotonic() - begun

    def crash(self) -> None:
        """Kill the supervisor as kill -9 does."""
        remember(self.pid, self.var)
        self._running().kill()
        self._running().wait()

    def end_jobs(self) -> None:
        """Kill every process that has to do with this directory: a stop leaves jobs and wrappers alone."""
        eventually(lambda: killed_in(self.var), what=f"the end of everything in {self.var}")

    @property
    def output(self) -> str:
        """What it has printed."""
        return self._output.read_text(errors="replace") if self._output.exists() else ""

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._process.poll() if self._process else None

    @property
    def pid(self) -> int:
        """The supervisor's."""
        return self._running().pid

    @property
    def admin_password(self) -> str:
        """Of the account `admin`."""
        return (self.var / "admin-password").read_text().strip()

    @property
    def flower_password(self) -> str:
        """Of the account `operator` in Flower."""
        return (self.var / "flower-password").read_text().strip()

    @property
    def cli_token(self) -> str:
        """The bearer token that the command line uses."""
        return (self.var / "cli-token").read_text().strip()

    @property
    def login_link(self) -> str:
        """The link that was printed last; it works once."""
        return (self.var / "login-link").read_text().strip()

    @property
    def environment(self) -> dict[str, str]:
        """For a command that is to talk to this platform: its servers and its directory."""
        told = {name: value for name, value in os.environ.items() if name not in FOREIGN}
        return {**told, **self._settings}

    def child(self, name: str) -> Identity:
        """One child as it is now."""
        return Record(self.var / "run" / "children.json").children()[name]

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> Identity:
        """Signal one child; the child that was signalled."""
        child = self.child(name)
        assert Identity.of(child.pid) == child
        remember(child.pid, self.var)
        os.kill(child.pid, number)
        return child

    def wait_restarted(self, name: str, before: Identity, within: float = 20.0) -> Identity:
        """Wait until another child of this name lives; that child."""
        found = eventually(lambda: self._another(name, before), within=within, what=f"a new {name}")
        assert found
        return found

    def logs(self, lines: int = 15) -> str:
        """The end of each child's log, for the message of a failure."""
        files = sorted((self.var / "logs").glob("*.log"))
        ends = ["\n".join(file.read_text(errors="replace").splitlines()[-lines:]) for file in files]
        return "".join(f"\n== {file.name}\n{end}" for file, end in zip(files, ends, strict=True))

    def _another(self, name: str, before: Identity) -> Identity | None:
        now = self.child(name)
        return now if now != before and Identity.of(now.pid) else None

    def _running(self) -> "subprocess.Popen[bytes]":
        assert self._process, "the platform has not been started"
        return self._process
