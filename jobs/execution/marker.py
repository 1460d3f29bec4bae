"""The marker of a job, put where /proc shows it although its process was forked and never exec'd.

/proc/<pid>/environ shows the memory that the environment was in at the last exec. So the launcher is exec'd
with a variable that only keeps room, and each process that it forks writes its marker over its own copy.
"""

import ctypes

from jobs.execution import procfs

ROOM = "JOBSITE_ROOM"
SIZE = 128
"""Bytes for the token: a spool's id, a job's number and an attempt's."""


class NoRoomError(RuntimeError):
    """This process was not started with room for a marker, or the kernel does not tell where it is."""


def environment():  # type: () -> dict[str, str]
    """What a process must be started with, so that those that it forks can be marked."""
    return {ROOM: "-" * SIZE}


def room():  # type: () -> memoryview
    """The room in this process, and in every one that it forks. Raises NoRoomError."""
    with open("/proc/self/stat", "rb") as file:  # noqa: PTH123 - pathlib is a heavy import
        fields = file.read().rpartition(b")")[2].split()
    start, end = int(fields[47]), int(fields[48])
    environ = ctypes.string_at(start, end - start) if start else b""
    at = (b"\0" + environ).find(b"\0%s=%s\0" % (ROOM.encode(), b"-" * SIZE))
    if at < 0:
        raise NoRoomError(f"{ROOM} is not in the {len(environ)} bytes of the environment")
    size = len(ROOM) + 1 + SIZE
    return memoryview((ctypes.c_char * size).from_address(start + at)).cast("B")


def put(room, token):  # type: (memoryview, bytes) -> None
    """Mark this process. Its parent's memory is another, and stays as it is."""
    entry = b"%s=%s" % (procfs.MARKER.encode(), token)
    if len(entry) > len(room):
        raise NoRoomError(f"{token!r} is longer than a marker can be")
    room[:] = entry.ljust(len(room), b"\0")
