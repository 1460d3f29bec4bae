"""Files of the wrapper's own that stay: the ticket, and exit.json, whatever the job has put in its way.

The job owns the directory as the wrapper does, so nothing in it is where it was left. Every file is made
under a name that is not there yet, and the directory is held by a descriptor. Standard library alone.
"""

import contextlib
import errno
import os
import time

from jobs.faults import faultpoint

NAME = "exit.json"
OURS = 0o700
RESERVED = 24 * 1024
"""Room for all that is ever written, taken before the job runs: the job may fill the disk."""
FULL = (errno.ENOSPC, errno.EDQUOT)


def write_new(content):  # type: (bytes) -> str
    """Write a durable file under a fresh name, and answer the name."""
    name, descriptor = _make()
    try:
        _write_all(descriptor, content)
        os.fsync(descriptor)
    except OSError:
        os.unlink(name)  # noqa: PTH108 - pathlib is a heavy import
        raise
    finally:
        os.close(descriptor)
    return name


def link_ticket(content):  # type: (bytes) -> None
    """Give a durable file the name of the ticket, or raise OSError: it is somebody's already."""
    name = write_new(content)
    try:
        faultpoint("ticket.before_link")
        os.link(name, "ticket")
    finally:
        with contextlib.suppress(OSError):  # linked or not, it is no ticket under this name
            os.unlink(name)  # noqa: PTH108


class ExitFile:
    """exit.json, from the room that is reserved for it to its place."""

    def __init__(self):  # type: () -> None
        self.directory = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self.reserved = ("", -1)

    def reserve(self):  # type: () -> None
        """Take the blocks for it now. Raises OSError when the disk is full."""
        self.reserved = name, descriptor = _make()
        try:
            os.posix_fallocate(descriptor, 0, RESERVED)
        except OSError as error:
            if error.errno in FULL:
                os.unlink(name)  # noqa: PTH108
                raise

    def give_back(self):  # type: () -> None
        """Nothing will be written: this attempt is another's."""
        with contextlib.suppress(OSError):
            os.unlink(self.reserved[0])  # noqa: PTH108

    def sync_directory(self):  # type: () -> None
        """Make the directory's entries durable."""
        os.fsync(self.directory)

    def record(self, content):  # type: (bytes) -> None
        """Write it, for as long as it takes: only this process knows how the job ended."""
        pause = 0.1
        while os.fstat(self.directory).st_nlink:  # without a name, whoever would read this has gone with it
            try:
                os.fchmod(self.directory, OURS)
                written = self._fill(content) or write_new(content)
                faultpoint("exit.after_tmp")
                self._put_in_place(written)
                faultpoint("exit.after_rename")
                self.sync_directory()
            except OSError:
                time.sleep(pause)
                pause = min(pause * 2, 5.0)
            else:
                return

    def _fill(self, content):  # type: (bytes) -> str
        """Write into the room that was reserved, and answer its name; empty when it is not there any more."""
        name, descriptor = self.reserved
        try:
            ours, there = os.fstat(descriptor), os.lstat(name)
        except OSError:
            return ""
        if (ours.st_dev, ours.st_ino) != (there.st_dev, there.st_ino):
            return ""
        os.lseek(descriptor, 0, os.SEEK_SET)
        _write_all(descriptor, content)
        os.ftruncate(descriptor, len(content))
        os.fsync(descriptor)
        return name

    def _put_in_place(self, name):  # type: (str) -> None
        """Take the name of exit.json, from whatever has it."""
        try:
            try:
                os.rename(name, NAME)  # noqa: PTH104
            except IsADirectoryError:
                os.rename(NAME, f"{name}.aside")  # noqa: PTH104
                os.rename(name, NAME)  # noqa: PTH104
        except OSError:
            with contextlib.suppress(OSError):
                os.unlink(name)  # noqa: PTH108
            raise


def _make():  # type: () -> tuple[str, int]
    """A new file and its descriptor."""
    name = f".new.{os.getpid()}.{time.monotonic_ns()}"
    return name, os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)


def _write_all(descriptor, content):  # type: (int, bytes) -> None
    """Write all of it: the kernel may take less at once, where a limit or a full disk is near."""
    while content:
        content = content[os.write(descriptor, content) :]
