"""Files that are whole or not there, whatever crashes, and stay after a power cut."""

import errno
import os
import secrets
import stat
from pathlib import Path
from typing import Final

FOR_WRITING: Final = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


def write_durably(path: Path, content: bytes, *, mode: int = 0o600) -> None:
    """Write a file so that it is whole or not there, whatever crashes, and stays after a power cut."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(descriptor)
    temporary.replace(path)
    sync_directory(path.parent)


def write_in_place(path: Path, content: bytes) -> None:
    """Write a small file, as often as needed. A link, a pipe or a device in its place is taken away.

    Raises OSError when it cannot be written.
    """
    try:
        descriptor = os.open(path, FOR_WRITING, 0o600)
    except OSError as error:
        if error.errno not in (errno.ELOOP, errno.ENXIO):
            raise
        return write_durably(path, content)
    try:
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.pwrite(descriptor, content, 0)
            os.ftruncate(descriptor, len(content))
            return None
    finally:
        os.close(descriptor)
    return write_durably(path, content)


def sync_directory(path: Path) -> None:
    """Make the directory's entries durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_once(path: Path, content: bytes) -> None:
    """Make a file unless it is there. Never half-written, whoever else makes it at the same time."""
    if path.exists():
        return
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    write_durably(temporary, content)
    try:
        os.link(temporary, path)
    except FileExistsError:
        pass  # another one made it first, and its content counts
    finally:
        temporary.unlink()
    sync_directory(path.parent)
