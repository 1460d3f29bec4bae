"""A lock file: one holder at a time, named by its pid, let go by the kernel when its last process ends."""

import fcntl
import os
from pathlib import Path
from typing import Self

from jobsite.embedded.error import ServerError


class LockedError(ServerError):
    """Another process holds this lock; `pid` is None when it has not written its number yet."""

    def __init__(self, path: Path, pid: int | None) -> None:
        self.path, self.pid = path, pid
        super().__init__(f"{path} is locked by {f'pid {pid}' if pid else 'another process'}")


class Lock:
    """An exclusive flock on a file that no child inherits."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor = -1

    def acquire(self) -> Self:
        """Take the lock at once, or raise LockedError. Who holds it already keeps it."""
        if self._descriptor >= 0:
            return self
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip()
            os.close(descriptor)
            raise LockedError(self.path, int(holder) if holder.isdecimal() else None) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        self._descriptor = descriptor
        return self

    def release(self) -> None:
        """Let go. It may be acquired again."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
