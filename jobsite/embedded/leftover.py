"""Servers that outlived the platform which started them: found by where they work, ended before a start."""

import os
import select
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from jobsite.embedded.error import ServerError


class StubbornServerError(ServerError):
    """A server of an earlier start is still there and does not end."""

    def __init__(self, directory: Path, pids: list[int]) -> None:
        self.directory, self.pids = directory, pids
        numbers = ", ".join(map(str, pids))
        super().__init__(
            f"Processes of an earlier start still work in {directory} (pid {numbers}). End them first."
        )


def end_those_in(directory: Path, program: Path, stop: signal.Signals, *, within: float = 5.0) -> None:
    """End every process of `program` that works in `directory`, by `stop`. Raises StubbornServerError.

    The children of a killed server need a moment, an orphaned server needs a signal. The caller holds the
    directory's lock, so none of them belongs to a platform that runs.
    """
    deadline = time.monotonic() + within
    while pids := list(_working_in(directory, program)):
        if time.monotonic() > deadline:
            raise StubbornServerError(directory, pids)
        for pid in pids:
            _end(pid, directory, program, stop)


def _end(pid: int, directory: Path, program: Path, stop: signal.Signals) -> None:
    """Ask one process to end, and wait a little; by pidfd, so that it cannot have become somebody else."""
    with suppress(ProcessLookupError):
        descriptor = os.pidfd_open(pid)
        try:
            if _works_in(pid, directory, program):
                signal.pidfd_send_signal(descriptor, stop)
                select.select([descriptor], [], [], 0.5)
        finally:
            os.close(descriptor)


def _working_in(directory: Path, program: Path) -> Iterator[int]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and _works_in(int(entry.name), directory, program):
            yield int(entry.name)


def _works_in(pid: int, directory: Path, program: Path) -> bool:
    """Both servers and their children change into their data directory. A zombie works nowhere."""
    proc = Path("/proc") / str(pid)
    try:
        if (proc / "cwd").readlink() != directory.resolve():
            return False
        return (proc / "exe").readlink().name.removesuffix(" (deleted)") == program.resolve().name
    except OSError:
        return False
