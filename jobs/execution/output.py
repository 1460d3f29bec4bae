"""The one door through which output is read: by descriptor, from a job's own files, never by a path it names.

The job writes straight to its files, so no death of ours can break it. A job may delete, rename or replace
its file: what is opened here is a plain file in the attempt's directory, or nothing.
"""

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from django.conf import settings

from jobs.models import Job

CHUNK: Final = 64 * 1024
STREAMS: Final = ("stdout", "stderr")


@dataclass(frozen=True)
class Chunk:
    """Some bytes of a stream, where the next ones begin, how large it is, and whether it grows no more."""

    data: bytes
    next: int
    size: int
    ended: bool


def read(job: Job, attempt: int, stream: str = "stdout", offset: int = 0, limit: int = CHUNK) -> Chunk:
    """At most `limit` bytes from `offset`. A job that has not started, or whose output is gone: no bytes.

    Ended is true only when the job has ended and the reader is at the end of what there is.
    """
    ended = job.is_final
    node = job.node.name if job.node is not None else settings.NODE_NAME
    directory = settings.JOBSITE_VAR / "spool" / node / f"{job.pk}.{attempt}"
    descriptor = _open(directory, stream)
    if descriptor is None:
        return Chunk(b"", offset, 0, ended)
    try:
        size = os.fstat(descriptor).st_size
        data = os.pread(descriptor, min(limit, CHUNK), min(offset, size))
    finally:
        os.close(descriptor)
    position = min(offset, size) + len(data)
    return Chunk(data, position, size, ended and position >= size)


def tail_offset(job: Job, attempt: int, stream: str = "stdout", limit: int = CHUNK) -> int:
    """Where the last `limit` bytes begin."""
    return max(0, read(job, attempt, stream, 0, 0).size - limit)


def _open(directory: Path, stream: str) -> int | None:
    """The stream's file, if it is a plain one. A link, a pipe or a device is not followed."""
    if stream not in STREAMS:
        return None
    try:
        above = os.open(directory, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        descriptor = os.open(stream, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=above)
    except OSError:
        return None
    finally:
        os.close(above)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        return None
    return descriptor
