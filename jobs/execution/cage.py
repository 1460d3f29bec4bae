"""One attempt's control group, as its wrapper and its agent use it: version 2, one directory per attempt.

A group holds what its processes start, whatever they do with sessions, parents and environments, and the
kernel kills all of it at once. Standard library alone and few imports, as in the wrapper.
"""

import contextlib
import os
import time

PATIENCE = 2.0
"""Seconds: what a kill leaves populated after that cannot be killed now."""


def enter(directory):  # type: (object) -> None
    """Put this very process into the group, if there is one. Its children begin there."""
    if directory:
        _write(str(directory), "cgroup.procs", "0")


def bind(cpus):  # type: (object) -> None
    """Bind this very process to these CPUs, if any. To none where they have gone meanwhile."""
    if cpus:
        with contextlib.suppress(OSError):
            os.sched_setaffinity(0, cpus)  # type: ignore[arg-type]


def is_populated(directory):  # type: (object) -> bool
    """Something lives in the group or in one below it. A group that is gone holds nothing."""
    return "populated 1" in _read(directory, "cgroup.events")


def pids(directory):  # type: (str) -> list[int]
    """The processes in the group and in those below it."""
    found = []  # type: list[int]
    for path, _, _ in os.walk(directory):
        found += map(int, _read(path, "cgroup.procs").split())
    return found


def strike(directory):  # type: (object) -> None
    """KILL all that is in the group and below it now, without waiting for its end."""
    if directory:
        with contextlib.suppress(OSError):  # it has just gone
            _write(str(directory), "cgroup.kill", "1")


def kill(directory):  # type: (object) -> bool
    """KILL all that is in the group and below it, at once. True: it is empty; False: something lives on."""
    deadline = time.monotonic() + PATIENCE
    pause = 0.0005
    while is_populated(directory):
        if time.monotonic() >= deadline:
            return False
        strike(directory)
        time.sleep(pause)
        pause = min(pause * 2, 0.05)
    return True


def empty(directory):  # type: (object) -> None
    """Wait until nothing lives in the group any more, however long that takes."""
    while not kill(directory):
        pass


def remove(directory):  # type: (object) -> bool
    """Remove an empty group and those that its job made below it. False: something is in it."""
    try:
        for path, _, _ in os.walk(str(directory or ""), topdown=False):
            os.rmdir(path)  # noqa: PTH106 - pathlib is a heavy import
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def oom_kills(directory):  # type: (str) -> int
    """How many of its processes the kernel killed for the group's memory limit; 0 where there is none."""
    for line in _read(directory, "memory.events").splitlines():
        name, _, number = line.partition(" ")
        if name == "oom_kill":
            return int(number)
    return 0


def _read(directory, name):  # type: (object, str) -> str
    """The file's text; empty when there is no group or no such file in it."""
    if not directory:
        return ""
    try:
        with open(os.path.join(str(directory), name)) as file:  # noqa: PTH118, PTH123
            return file.read()
    except OSError:
        return ""


def _write(directory, name, text):  # type: (str, str, str) -> None
    with open(os.path.join(directory, name), "w") as file:  # noqa: PTH118, PTH123
        file.write(text)
