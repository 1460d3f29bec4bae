"""Files that are whole or not there, whatever crashes, and stay after a power cut."""

import os
import secrets
from pathlib import Path


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
