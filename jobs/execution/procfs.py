"""What wrapper and agent both read of the kernel. Few imports: every wrapper pays for them.

A process is its boot id, its pid and its start ticks (`/proc/<pid>/stat`, field 22; proc(5)), never its pid
alone. Zombies (Z) and dead ones (X) are dead, though a pid, a signal and /proc/<pid> still answer for them.
"""

import os
import signal

MARKER = "JOBSITE_TOKEN"
AT_ONCE = 4096
_MARKER = MARKER.encode() + b"="
_told = []  # type: list[bool]


def boot_id():  # type: () -> str
    """This boot of the machine. JOBSITE_BOOT_ID_FILE names another file, for tests that "reboot"."""
    path = os.environ.get("JOBSITE_BOOT_ID_FILE") or "/proc/sys/kernel/random/boot_id"
    return read(path).decode().strip()


def read(path):  # type: (str) -> bytes
    """A whole file, without the buffers that a file object has: all of this is read very often."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        content = piece = os.read(descriptor, AT_ONCE)
        while piece:
            piece = os.read(descriptor, AT_ONCE)
            content += piece
        return content
    finally:
        os.close(descriptor)


def stat_fields(pid):  # type: (int) -> list[bytes] | None
    """The fields of its stat file from the third on; proc_pid_stat(5). None: there is no such process."""
    try:
        return read(f"/proc/{pid}/stat").rpartition(b")")[2].split(None, 22)
    except (FileNotFoundError, ProcessLookupError):
        return None


def stat_of(pid):  # type: (int) -> tuple[str, int, int] | None
    """State, parent and start ticks of a process. None: there is none of this number."""
    fields = stat_fields(pid)
    return (fields[0].decode(), int(fields[1]), int(fields[19])) if fields else None


def start_ticks(pid):  # type: (int) -> int | None
    """When it started, in clock ticks since the boot. None: it is gone."""
    stat = stat_of(pid)
    return None if stat is None else stat[2]


def pids():  # type: () -> list[int]
    """Every process there is."""
    return [int(name) for name in os.listdir("/proc") if name.isdecimal()]  # noqa: PTH208


def descendants(root):  # type: (int) -> list[tuple[int, int]]
    """Pid and start ticks of the living processes below `root`, parents before children."""
    return [(pid, int(fields[19])) for pid, fields in family(root)]


def family(root):  # type: (int) -> list[tuple[int, list[bytes]]]
    """The living processes below `root` with their stat fields, parents before children."""
    tells = _kernel_tells_children()
    scanned = {} if tells else children_by_parent()  # type: dict[int, list[int]]
    found, queue = [], [root]
    while queue:
        pid = queue.pop(0)
        fields = stat_fields(pid)
        if pid != root and fields and fields[0] not in b"ZX":
            found.append((pid, fields))
        alone = bool(fields) and fields[17] == b"1"  # type: ignore[index]
        queue += children_of(pid, threads=[str(pid)] if alone else None) if tells else scanned.get(pid, ())
    return found


def _kernel_tells_children():  # type: () -> bool
    """It was built with CONFIG_PROC_CHILDREN. It stays the same, so it is asked once."""
    if not _told:
        _told.append(os.path.exists(f"/proc/{os.getpid()}/task/{os.getpid()}/children"))  # noqa: PTH110
    return _told[0]


def children_of(pid, *, threads=None):  # type: (int, list[str] | None) -> list[int]
    """Asked of the kernel directly: what forks and leaves in a loop is gone before all of /proc is read."""
    found = []  # type: list[int]
    try:
        for thread in threads or os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208
            found += map(int, read(f"/proc/{pid}/task/{thread}/children").split())
    except (FileNotFoundError, ProcessLookupError):
        pass  # it is gone, and its children have another parent
    return found


def children_by_parent():  # type: () -> dict[int, list[int]]
    """The same from all of /proc, for a kernel without CONFIG_PROC_CHILDREN."""
    children = {}  # type: dict[int, list[int]]
    for pid in pids():
        stat = stat_of(pid)
        if stat is not None:
            children.setdefault(stat[1], []).append(pid)
    return children


def signal_process(pid, ticks, number):  # type: (int, int, int) -> bool
    """Signal this very process through a pidfd. False: it is gone, and nobody else was signalled."""
    try:
        pidfd = os.pidfd_open(pid)
    except ProcessLookupError:
        return False
    try:
        if start_ticks(pid) != ticks:
            return False
        signal.pidfd_send_signal(pidfd, number)
    except ProcessLookupError:
        return False
    finally:
        os.close(pidfd)
    return True


def is_between_programs(pid):  # type: (int) -> bool
    """It shows no environment: it has none, or it is in the middle of an exec and shows one in a moment.

    A child of kthreadd (pid 2) is the kernel's own, and never has one.
    """
    stat = stat_of(pid)
    if stat is None or stat[1] == 2 or stat[0] in "ZX":
        return False
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:  # noqa: PTH123
            return not file.read(1)
    except OSError:
        return False


def marker_of(pid):  # type: (int) -> str | None
    """The token that a process was started with. None: none, gone, or not ours to read."""
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:  # noqa: PTH123
            entries = file.read().split(b"\0")
    except OSError:
        return None
    for entry in entries:
        if entry.startswith(_MARKER):
            return entry[len(_MARKER) :].decode(errors="replace")
    return None
