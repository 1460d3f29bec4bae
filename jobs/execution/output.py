"""The one door through which output is read: by descriptor, from a job's own files, never by a path it names.

The job writes straight to its files, so no death of ours can break it.
"""

from dataclasses import dataclass

from django.conf import settings

from jobs.execution import stream_file
from jobs.execution.stream_file import CHUNK, STREAMS
from jobs.models import Job

__all__ = ["CHUNK", "STREAMS", "Chunk", "read", "tail_offset"]


@dataclass(frozen=True)
class Chunk:
    """Some bytes of a stream, where the next ones begin, how large it is, and whether it grows no more."""

    data: bytes
    next: int
    size: int
    ended: bool
    note: str = ""
    """Why there is nothing to read, as a sentence; empty when there is no more to say."""


def read(job: Job, attempt: int, stream: str = "stdout", offset: int = 0, limit: int = CHUNK) -> Chunk:
    """At most `limit` bytes from `offset`. A job that has not started, or whose output is gone: no bytes.

    Ended is true only when the job has ended and the reader is at the end of what there is.
    """
    node = job.node.name if job.node is not None else settings.NODE_NAME
    directory = settings.JOBSITE_VAR / "spool" / node / f"{job.pk}.{attempt}"
    piece = stream_file.read(directory, stream, offset, limit)
    return Chunk(piece.data, piece.next, piece.size, job.is_final and piece.next >= piece.size, piece.note)


def tail_offset(job: Job, attempt: int, stream: str = "stdout", limit: int = CHUNK) -> int:
    """Where the last `limit` bytes begin."""
    return max(0, read(job, attempt, stream, 0, 0).size - limit)
