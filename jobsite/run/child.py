"""One child process: started through the shim in a session of its own, with its output in a log file.

Only the main thread may start one: a child's parent-death signal is tied to the thread that forked it.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

SHIM: Final = Path(__file__).with_name("shim.py")
LARGEST_LOG: Final = 10 * 1024 * 1024


class Child:
    """A process that ends when we end, whatever ends us."""

    def __init__(
        self,
        argv: Sequence[str],
        *,
        environment: Mapping[str, str],
        log: Path,
        directory: Path,
    ) -> None:
        log.parent.mkdir(mode=0o700, exist_ok=True)  # somebody may have cleared it away
        with suppress(OSError):
            rotate(log)
        with log.open("ab") as output:
            self._popen = subprocess.Popen(
                [sys.executable, "-I", "-S", str(SHIM), str(os.getpid()), *argv],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=directory,
                env=dict(environment),
                start_new_session=True,  # a closed terminal's SIGHUP wedges a Celery worker
            )
        self.started = time.monotonic()

    @property
    def pid(self) -> int:
        """Its number, which stays taken until we have seen its end."""
        return self._popen.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs; minus the signal that ended it."""
        return self._popen.poll()

    @property
    def age(self) -> float:
        """Seconds since it was started."""
        return time.monotonic() - self.started

    def send(self, number: signal.Signals) -> None:
        """Signal it, if it still runs."""
        self._popen.send_signal(number)

    def wait(self, seconds: float) -> bool:
        """Whether it has ended, at the latest after `seconds`."""
        try:
            self._popen.wait(max(seconds, 0))
        except subprocess.TimeoutExpired:
            return False
        return True

    def kill_group(self) -> None:
        """Kill it and what it started in its own session, once it did not end when asked."""
        if self.exit_code is None:
            os.killpg(self.pid, signal.SIGKILL)
            self._popen.wait()


def rotate(log: Path) -> None:
    """Empty a log once it is large; what was in it is kept until the next time.

    Who writes it keeps its descriptor, so it is copied, never renamed. A line that comes in between is lost.
    """
    log.touch(mode=0o600)
    if log.stat().st_size > LARGEST_LOG:
        log.chmod(0o600)
        shutil.copy(log, log.with_suffix(".log.1"))
        os.truncate(log, 0)
