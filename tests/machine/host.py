"""A machine of the platform: its processes, as /proc would show them, and its boot.

Numbers are given again soon, so that a process that is known by its number alone is soon somebody else.
"""

import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.machine.clock import Clock
from tests.machine.stage import point, process

LOWEST, NUMBERS = 100, 12
TICKS = 100


@dataclass(eq=False)
class Entry:
    """One process of a host."""

    pid: int
    ticks: int
    parent: int
    token: str
    kind: str
    """A wrapper; the child that it keeps waiting; the job that becomes of it; or a stranger."""
    is_frozen: bool = False
    dies_with_parent: bool = False
    was_asked: bool = False
    """It was sent TERM, and has not looked why yet."""
    killed_by: int = 0


class Host:
    """One machine. `broken` for good it never comes back."""

    def __init__(self, name: str, spool_path: Path, clock: Clock) -> None:
        self.name = name
        self.spool_path = spool_path
        self.boots = 1
        self.table: dict[int, Entry] = {}
        self.worker: Any = None
        self.is_cut_off = self.is_deaf = self.is_broken = False
        self._clock = clock
        self._next = self._ticks = 0

    @property
    def boot_id(self) -> str:
        """This boot's."""
        return f"{self.name}-boot-{self.boots}"

    def spawn(self, kind: str, *, token: str = "", parent: int = 1) -> Entry:
        """A new process. Its number may have been another's."""
        while LOWEST + self._next % NUMBERS in self.table:
            self._next += 1
        self._ticks = max(self._ticks + 1, int(self._clock.seconds * TICKS))
        entry = Entry(LOWEST + self._next % NUMBERS, self._ticks, parent, token, kind)
        self._next += 1
        self.table[entry.pid] = entry
        return entry

    def end(self, entry: Entry, *, by: int = 0) -> None:
        """It is gone, and what hangs on it."""
        if self.table.pop(entry.pid, None) is None:
            return
        entry.killed_by = by
        for other in list(self.table.values()):
            if other.parent == entry.pid:
                other.parent = 1
                if other.kind == "child" or other.dies_with_parent:
                    self.end(other, by=signal.SIGKILL)

    def is_alive(self, entry: Entry) -> bool:
        """It lives."""
        return self.table.get(entry.pid) is entry

    def reboot(self) -> None:
        """All is gone. Strangers have the numbers now, down to the ticks, but in another boot."""
        gone = list(self.table.values())
        for entry in gone:
            self.end(entry, by=signal.SIGKILL)
        self.boots += 1
        self.table = {one.pid: Entry(one.pid, one.ticks, 1, "", "stranger") for one in gone}

    def signal(self, pid: int, ticks: int, number: int) -> bool:
        """As `procfs.signal_process`."""
        entry = self.table.get(pid)
        if entry is None or entry.ticks != ticks:
            return False
        assert entry.kind != "stranger", f"a stranger on {self.name} was sent signal {number}"
        if number == signal.SIGKILL:
            self.end(entry, by=number)
        elif number in (signal.SIGSTOP, signal.SIGCONT):
            entry.is_frozen = number == signal.SIGSTOP
        else:
            entry.was_asked = True
        return True


def _host() -> Host:
    host: Host = process().host
    return host


def boot_id() -> str:
    """As in procfs, of the host on which the actor is. So are the others."""
    return _host().boot_id


def pids() -> list[int]:
    """Every process there."""
    return list(_host().table)


def stat_of(pid: int) -> tuple[str, int, int] | None:
    """State, parent, ticks."""
    entry = _host().table.get(pid)
    return None if entry is None else ("T" if entry.is_frozen else "S", entry.parent, entry.ticks)


def descendants(root: int) -> list[tuple[int, int]]:
    """Pid and ticks of those below."""
    table = _host().table
    below = [entry for entry in table.values() if entry.parent == root]
    return [pair for entry in below for pair in ((entry.pid, entry.ticks), *descendants(entry.pid))]


def marker_of(pid: int) -> str | None:
    """Its token."""
    entry = _host().table.get(pid)
    return None if entry is None else entry.token or None


def signal_process(pid: int, ticks: int, number: int) -> bool:
    """Signal it."""
    point("signal", f"{number} to {pid} of {_host().name}")
    return _host().signal(pid, ticks, number)


PROCFS = (boot_id, pids, stat_of, descendants, marker_of, signal_process)
