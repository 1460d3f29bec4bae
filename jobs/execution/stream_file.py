"""A piece of one of a job's streams, read from its file: a plain one that is still the job's, or none.

A job may delete, rename or replace its files, and it can reach the note that names them. So nothing is opened
by a path alone: it is looked at first, without following a link and without waiting for a pipe, and must be
the very file that the job was given, of the job's own account.
"""

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from jobs.execution.records import HIGHEST, is_text, read_object
from jobs.execution.streams import NOTE, NOTHING

CHUNK: Final = 64 * 1024
STREAMS: Final = ("stdout", "stderr")
MOVED: Final = "The output file was moved, deleted or replaced, so what was in it cannot be shown."
MISSING: Final = "The output is not kept any more."
DROPPED: Final = "It goes to /dev/null, so nothing of it is kept."
JOINED: Final = "The error output goes where the output goes."
UNREADABLE: Final = "The output file cannot be read: {}."


@dataclass(frozen=True)
class Piece:
    """Some bytes of a stream, where the next ones begin, how large it is; why there is nothing to read."""

    data: bytes
    next: int
    size: int
    note: str = ""


@dataclass(frozen=True)
class Place:
    """Where a stream's file is, and which file it must be. Without a number: whichever is there."""

    path: str
    device: int | None = None
    inode: int | None = None
    begins: int = 0


def read(directory: Path, stream: str, offset: int, limit: int) -> Piece:
    """At most `limit` bytes from `offset`, of the attempt with this directory."""
    if stream not in STREAMS:
        return Piece(b"", offset, 0)
    place = _noted(directory, stream)
    if isinstance(place, str):
        return Piece(b"", offset, 0, place)
    try:
        return _piece(directory, place, offset, limit)
    except OSError as error:
        return Piece(b"", offset, 0, _why_not(directory, error))


def _piece(directory: Path, place: Place, offset: int, limit: int) -> Piece:
    descriptor = _opened(directory, place)
    try:
        size = max(0, os.fstat(descriptor).st_size - place.begins)
        start = min(offset, size)
        data = os.pread(descriptor, max(0, min(limit, CHUNK, size - start)), place.begins + start)
    finally:
        os.close(descriptor)
    return Piece(data, start + len(data), size)


def _noted(directory: Path, stream: str) -> Place | str:
    """The file that the job was given; or why there is none to read."""
    try:
        notes = read_object(directory / NOTE) or {}
    except OSError:
        return MOVED
    if stream not in notes:
        return Place("stdout") if stream == "stdout" else JOINED
    match notes[stream]:
        case {"path": str(path)} if path == NOTHING:
            return DROPPED
        case {"path": str(path), "device": int(device), "inode": int(inode), "begins": int(begins)} if (
            is_text(path) and os.path.isabs(path) and 0 <= begins < HIGHEST  # noqa: PTH117
        ):
            return Place(path, device, inode, begins)
    return MOVED


def _opened(directory: Path, place: Place) -> int:
    """Open it for reading. Raises FileNotFoundError when it is another file, or none to be opened."""
    above = os.open(directory, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        owner = os.fstat(above).st_uid
        seen = os.open(place.path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=above)
    finally:
        os.close(above)
    try:
        facts = os.fstat(seen)
        same = place.inode is None or (facts.st_dev, facts.st_ino) == (place.device, place.inode)
        if not stat.S_ISREG(facts.st_mode) or facts.st_uid != owner or not same:
            raise FileNotFoundError(place.path)
        return os.open(f"/proc/self/fd/{seen}", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    finally:
        os.close(seen)


def _why_not(directory: Path, error: OSError) -> str:
    """Before the ticket there is no output yet; after it, there should be."""
    if not directory.is_dir():
        return MISSING
    if not (directory / "ticket").exists():
        return ""
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return MOVED
    return UNREADABLE.format(error.strerror)
