"""Files that are whole or not there, whatever crashes, and stay after a power cut."""

import json
import os
import secrets
from pathlib import Path
from typing import Any


class UnreadableFileError(ValueError):
    """A file of the spool does not hold what it should. It is left as it is."""

    def __init__(self, path: Path, why: object) -> None:
        self.path = path
        super().__init__(f"{path} cannot be read: {why}")


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


def read_json(path: Path) -> dict[str, Any] | None:
    try:
        content = json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except ValueError as error:
        raise UnreadableFileError(path, error) from error
    if not isinstance(content, dict):
        raise UnreadableFileError(path, "not an object")
    return content
