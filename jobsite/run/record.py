"""The children of the platform that runs, written down: the next start ends those that a crash left.

A process is named by boot id, pid and start ticks: a pid alone may be anybody's by then.
"""

import json
import os
import select
import signal
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple


class Identity(NamedTuple):
    """One process, for ever: no other has the same pid and start ticks within one boot."""

    pid: int
    ticks: int

    @classmethod
    def of(cls, pid: int) -> "Identity | None":
        """None: there is no such process, or it is dead and only waits to be reaped."""
        try:
            stat = Path(f"/proc/{pid}/stat").read_text()
        except OSError:
            return None
        fields = stat.rpartition(")")[2].split()  # the name before it may hold anything
        return None if fields[0] in "ZX" else cls(pid, int(fields[19]))


def boot_id() -> str:
    """Changes with each start of the machine, after which every old pid is a stranger's."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


class Record:
    """The file var/run/children.json."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._children: dict[str, Identity] = {}

    def add(self, name: str, pid: int) -> None:
        """A child was started, the first time or again."""
        if identity := Identity.of(pid):
            self._children[name] = identity
            unfinished = self._file.with_suffix(".tmp")
            unfinished.write_text(json.dumps({"boot_id": boot_id(), "children": self._children}))
            unfinished.replace(self._file)

    def clear(self) -> None:
        """Every child has ended."""
        self._children.clear()
        with suppress(OSError):  # what stays there names processes that are gone, and harms nobody
            self._file.unlink(missing_ok=True)

    def end_leftovers(self, *, patience: float = 2.0) -> list[str]:
        """End the children of a platform that was killed; the names of those that still lived."""
        ended = [name for name, identity in self.children().items() if end(identity, patience=patience)]
        self.clear()
        return ended

    def children(self) -> dict[str, Identity]:
        """Those that are written down, by name; some may have ended. Of another boot: none."""
        try:
            written = json.loads(self._file.read_text())
            if written["boot_id"] != boot_id():
                return {}
            return {name: Identity(*map(int, numbers)) for name, numbers in written["children"].items()}
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return {}  # never written, or torn by the crash: then the parent-death signal has to have done it


def end(identity: Identity, *, patience: float) -> bool:
    """End one process by its identity: SIGTERM, then SIGKILL. False: it was gone already."""
    with suppress(ProcessLookupError):
        descriptor = os.pidfd_open(identity.pid)
        try:
            if Identity.of(identity.pid) != identity:
                return False
            signal.pidfd_send_signal(descriptor, signal.SIGTERM)
            if not select.select([descriptor], [], [], patience)[0]:
                signal.pidfd_send_signal(descriptor, signal.SIGKILL)
                select.select([descriptor], [], [], patience)
        finally:
            os.close(descriptor)
        return True
    return False
