"""The processes below the wrapper: everything that its job has started, as it is their reaper.

Standard library alone, as the wrapper. What cannot be signalled now is met again at the next round.
"""

import contextlib
import os
import signal

from jobs.execution import procfs


def signal_all(number):  # type: (int) -> None
    """Signal each of them through a pidfd."""
    for pid, ticks in procfs.descendants(os.getpid()):
        signal_one(pid, ticks, number)


def signal_one(pid, ticks, number):  # type: (int, int, int) -> None
    """Signal this very process, if it lives."""
    with contextlib.suppress(OSError):
        procfs.signal_process(pid, ticks, number)


def terminate():  # type: () -> None
    """Ask each of them to end. A stopped process hears it only when it goes on."""
    signal_all(signal.SIGTERM)
    signal_all(signal.SIGCONT)


def catches(pid, number):  # type: (int, int) -> bool
    """A process has set a trap for this signal; proc_pid_status(5), SigCgt."""
    with contextlib.suppress(OSError), open(f"/proc/{pid}/status", "rb") as file:  # noqa: PTH123
        for line in file:
            if line.startswith(b"SigCgt:"):
                return bool(int(line.split()[1], 16) >> (number - 1) & 1)
    return False
