"""What happens at a fault point: the first process that comes by does what `<directory>/<name>` says.

The file is renamed before its action is taken, so that of several processes exactly one takes it. Every pass
of a fault point is a line of `<directory>/hits`: name, pid, and what was done. Standard library alone.

| action | |
|---|---|
| `kill` | SIGKILL this process |
| `kill PID TICKS` | SIGKILL that one if it still lives, such as a wrapper's worker, and go on |
| `kill-parent` | SIGKILL the parent, and go on |
| `stop` | SIGSTOP this process; whoever wrote the file wakes it |
| `raise` | raise InjectedFault |
| `delay SECONDS` | hold this thread for so long |
| `enospc`, `eio` | raise OSError as a full or a broken disk does |
| `drop-db` | close this thread's session with the database, which does not know of it yet |
"""

import errno
import os
import select
import signal
from collections.abc import Callable  # noqa: F401 - for the types

HITS = "hits"
NOTHING = "-"
ERRORS = {"enospc": errno.ENOSPC, "eio": errno.EIO}

drop_session = None  # type: Callable[[], object] | None
"""How this process loses its session with the database; set by those that have one."""


class InjectedFault(RuntimeError):  # noqa: N818 - it is no error of the program's
    """A fault that was asked for."""


class Directory:
    """The faults of one directory, taken by whoever comes by first."""

    def __init__(self, path):  # type: (str) -> None
        self.path = path

    def __call__(self, name):  # type: (str) -> None
        """Tell that this point was reached, and do what is wanted there."""
        action = self._taken(name)
        self._tell(name, action or NOTHING)
        if action:
            act(name, *action.split())

    def _taken(self, name):  # type: (str) -> str
        """The action, taken away from all others. Empty: there is none."""
        mine = f"{self.path}/{name}.taken.{os.getpid()}"
        try:
            os.rename(f"{self.path}/{name}", mine)  # noqa: PTH104 - pathlib is a heavy import
        except FileNotFoundError:
            return ""
        with open(mine) as file:  # noqa: PTH123
            return file.read().strip()

    def _tell(self, name, action):  # type: (str, str) -> None
        line = f"{name} {os.getpid()} {action}\n"
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        descriptor = os.open(f"{self.path}/{HITS}", flags, 0o600)
        try:
            os.write(descriptor, line.encode())
        finally:
            os.close(descriptor)


def act(name, verb, *arguments):  # type: (str, str, *str) -> None
    """Take one action. Raises what it asks for, and ValueError for one that is not known."""
    if verb in ERRORS:
        raise OSError(ERRORS[verb], os.strerror(ERRORS[verb]), f"injected at {name}")
    if verb == "raise":
        raise InjectedFault(f"injected at {name}")
    if verb not in ACTIONS:
        raise ValueError(f"{verb} at {name} is no action; those are in jobs/fault_actions.py")
    ACTIONS[verb](*arguments)


def _kill(pid="", ticks=""):  # type: (str, str) -> None
    """A number alone may be somebody else's by now."""
    if not pid or _start_ticks(pid) == ticks:
        os.kill(int(pid or os.getpid()), signal.SIGKILL)


def _start_ticks(pid):  # type: (str) -> str
    try:
        with open(f"/proc/{pid}/stat") as file:  # noqa: PTH123
            return file.read().rpartition(")")[2].split()[19]
    except OSError:
        return ""


def _kill_parent():  # type: () -> None
    os.kill(os.getppid(), signal.SIGKILL)


def _stop():  # type: () -> None
    os.kill(os.getpid(), signal.SIGSTOP)


def _delay(seconds):  # type: (str) -> None
    select.select([], [], [], float(seconds))


def _drop_db():  # type: () -> None
    if drop_session is None:
        raise ValueError("this process has no session with the database that could be dropped")
    drop_session()


ACTIONS = {
    "kill": _kill,
    "kill-parent": _kill_parent,
    "stop": _stop,
    "delay": _delay,
    "drop-db": _drop_db,
}  # type: dict[str, Callable[..., None]]
