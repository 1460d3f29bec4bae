"""A job's private directory for what is temporary (TMPDIR), emptied when nothing of the job lives any more.

Standard library alone, as the wrapper. No link is followed, what the job has closed is opened, and however
deep it has built, three descriptors are enough: a directory's own directories are lifted to the top before it
is removed. In the same way what is left of an attempt is removed when its retention is over.
"""

import contextlib
import os
import time

NAME = "tmp"
PATIENCE = 5.0
"""Seconds: the end of the job is recorded after this. What is left goes with the attempt's directory."""
OURS = 0o700
AS_A_DIRECTORY = os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def clear(patience=PATIENCE):  # type: (float) -> None
    """Remove it from the attempt's directory, which is the present one, as far as that is soon done."""
    remove(NAME, patience)


def remove(path, patience):  # type: (str, float) -> None
    """Remove a directory and all that is in it, as far as that is soon done."""
    until = time.monotonic() + patience
    try:
        top = os.open(path, os.O_PATH | AS_A_DIRECTORY)
    except OSError:
        return  # there is none, or the job has put something else there
    try:
        lifted = 0
        while time.monotonic() < until:
            before, lifted = lifted, lifted + _empty(top, top, lifted, until)
            if lifted == before:
                break
    finally:
        os.close(top)
    with contextlib.suppress(OSError):
        os.rmdir(path)  # noqa: PTH106


def _empty(directory, top, lifted, until):  # type: (int, int, int, float) -> int
    """Remove what is in `directory`, but lift its directories to `top`, or empty them if this is `top`.

    Answers how many were lifted: as long as there are any, the top is not empty.
    """
    number = 0
    with contextlib.suppress(OSError), os.scandir(_readable(directory)) as entries:
        for entry in entries:
            if time.monotonic() > until:
                break
            with contextlib.suppress(OSError):
                if not entry.is_dir(follow_symlinks=False):
                    os.unlink(entry.name, dir_fd=directory)
                elif directory != top:
                    name = f".{os.getpid()}.{lifted + number}"
                    open_up(entry.name, directory)
                    os.rename(entry.name, name, src_dir_fd=directory, dst_dir_fd=top)
                    number += 1
                else:
                    number += _remove(entry.name, top, lifted + number, until)
    return number


def _remove(name, top, lifted, until):  # type: (str, int, int, float) -> int
    directory = os.open(name, os.O_PATH | AS_A_DIRECTORY, dir_fd=top)
    try:
        number = _empty(directory, top, lifted, until)
    finally:
        os.close(directory)
    with contextlib.suppress(OSError):
        os.rmdir(name, dir_fd=top)
    return number


def open_up(name, above=None):  # type: (str, int | None) -> None
    """Give a directory its mode back. Who may not write to it can neither empty it nor put it elsewhere."""
    directory = os.open(name, os.O_PATH | AS_A_DIRECTORY, dir_fd=above)
    try:
        _readable(directory)
    finally:
        os.close(directory)


def _readable(directory):  # type: (int) -> str
    """The way to a directory that we hold, made readable: a job may have taken its mode away."""
    way = f"/proc/self/fd/{directory}"
    os.chmod(way, OURS)  # noqa: PTH101
    return way
