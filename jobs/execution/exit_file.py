"""Files of the wrapper's own that stay: the ticket, and exit.json, whatever the job has put in its way.

The job owns the directory as the wrapper does, so nothing in it is where it was left. Every file is made
under a name that is not there yet, and the directory is held by a descriptor. Standard library alone.
"""

import contextlib
import os
import time

NAME = "exit.json"
OURS = 0o700


def open_directory():  # type: () -> int
    """The attempt's directory, held before the job runs: it is mended and synced without its name."""
    return os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)


def write_new(content):  # type: (bytes) -> str
    """Write a durable file under a fresh name, and answer the name."""
    name = f".new.{os.getpid()}.{time.monotonic_ns()}"
    descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        write_all(descriptor, content)
        os.fsync(descriptor)
    except OSError:
        os.unlink(name)  # noqa: PTH108 - pathlib is a heavy import
        raise
    finally:
        os.close(descriptor)
    return name


def write_all(descriptor, content):  # type: (int, bytes) -> None
    """Write all of it: the kernel may take less at once, where a limit or a full disk is near."""
    while content:
        content = content[os.write(descriptor, content) :]


def record(content, directory):  # type: (bytes, int) -> None
    """Write exit.json, for as long as it takes: the disk may be full, and only this process knows."""
    pause = 0.1
    while os.fstat(directory).st_nlink:  # without a name, whoever would read this has gone with it
        try:
            os.fchmod(directory, OURS)
            _put_in_place(write_new(content))
            os.fsync(directory)
        except OSError:
            time.sleep(pause)
            pause = min(pause * 2, 5.0)
        else:
            return


def _put_in_place(name):  # type: (str) -> None
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
