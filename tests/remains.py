"""What is left of the processes that tests start: found, and ended, whatever they show of themselves.

A process that is closed to us (jobsite.seclusion), or another account's, shows neither its environment nor
its directory. Its number and its session it shows to everybody, and so those that a test started are
remembered by them.
"""

import os
import select
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from jobs.execution import procfs

_STATE, _SESSION, _TICKS = 0, 3, 19

Known = tuple[int, int]
"""The number and the start ticks of a process, or of the leader of a session."""

_processes: dict[Known, Path] = {}
_sessions: dict[Known, Path] = {}


def remember(pid: int, directory: Path) -> None:
    """A process that a test started, and all that it has started by now, belong to this directory."""
    for number in (pid, *(child for child, _ in procfs.descendants(pid))):
        fields = procfs.stat_fields(number)
        if fields:
            known = number, int(fields[_TICKS])
            _processes[known] = directory
            if int(fields[_SESSION]) == number:
                _sessions[known] = directory


def processes_of(directory: Path) -> Iterator[tuple[int, str]]:
    """Every living process, but ours, that works in this directory, was told about it or belongs to it."""
    wanted = os.fsencode(directory)
    for pid in procfs.pids():
        fields = procfs.stat_fields(pid)
        if pid == os.getpid() or not fields or fields[_STATE] in b"ZX":
            continue
        command = _shown(pid, "cmdline")
        shown = command + _shown(pid, "environ") + _directory_of(pid)
        if wanted in shown or _belongs(pid, fields, directory):
            yield pid, command.replace(b"\0", b" ").decode(errors="replace")


def lasting_processes_of(directory: Path, *, after: float = 3.0) -> list[tuple[int, str]]:
    """Those that do not end by themselves in a moment, as a launcher does whose worker has gone."""
    deadline = time.monotonic() + after
    while (found := list(processes_of(directory))) and time.monotonic() < deadline:
        select.select([], [], [], 0.05)
    return found


def killed_in(directory: Path) -> bool:
    """Kill all of it. True: nothing of it lives any more."""
    found = [pid for pid, _ in processes_of(directory)]
    for pid in found:
        ticks = procfs.start_ticks(pid)
        if ticks is not None:
            procfs.signal_process(pid, ticks, signal.SIGKILL)
    return not found


def _belongs(pid: int, fields: list[bytes], directory: Path) -> bool:
    session = int(fields[_SESSION])
    homes = [_processes.get((pid, int(fields[_TICKS])))]
    leader = procfs.start_ticks(session)
    if leader is None:  # its number stays taken for as long as anything of the session lives
        homes += [home for (number, _), home in _sessions.items() if number == session]
    else:
        homes.append(_sessions.get((session, leader)))
    return any(home is not None and home.is_relative_to(directory) for home in homes)


def _shown(pid: int, name: str) -> bytes:
    """Nothing: it has ended, or it is closed to us."""
    with suppress(OSError):
        return (Path("/proc") / str(pid) / name).read_bytes()
    return b""


def _directory_of(pid: int) -> bytes:
    with suppress(OSError):
        return os.fsencode((Path("/proc") / str(pid) / "cwd").readlink())
    return b""
