"""The one door through which output is read: by descriptor, from a job's own files, never by a path it names.

The job writes straight to its files, so no death of ours can break it. What another machine's node has, its
agent reads for us; when that node is silent, that is what is answered.
"""

from dataclasses import dataclass
from typing import Final

from django.conf import settings

from jobs.execution import far_output, stream_file
from jobs.execution.stream_file import CHUNK, MISSING, STREAMS, Piece
from jobs.models import Job, Node
from jobs.models.clock import database_now
from jobs.states import Phase

__all__ = ["CHUNK", "STREAMS", "Chunk", "read", "tail"]

SILENT: Final = "Node {} does not answer, so the output cannot be shown now."


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

    Ended is true only when the job has ended and the reader is at the end of what can be read: there is no
    waiting for a node whose lease is over.
    """
    if job.node is None or job.started_at is None:
        return Chunk(b"", offset, 0, job.is_final)
    spool = settings.JOBSITE_VAR / "spool" / job.node.name
    if spool.is_dir():
        return _chunk(job, stream_file.read(spool / f"{job.pk}.{attempt}", stream, offset, limit))
    reachable = Node.objects.filter(pk=job.node.pk).reachable(database_now()).exists()
    piece = far_output.ask(job.node.name, job.pk, attempt, stream, offset, limit) if reachable else None
    if piece is None:
        gone = job.is_final and not reachable
        return Chunk(b"", offset, offset, ended=gone, note=SILENT.format(job.node.name))
    return _chunk(job, piece)


def tail(job: Job, attempt: int, stream: str = "stdout", limit: int = CHUNK) -> tuple[int, Chunk]:
    """Where the last `limit` bytes begin, and these bytes."""
    whole = read(job, attempt, stream, 0, 0)
    start = max(0, whole.size - limit)
    return (start, whole) if whole.note else (start, read(job, attempt, stream, start, limit))


def _chunk(job: Job, piece: Piece) -> Chunk:
    """A directory that is missing says nothing about a job that is being started: it is not made yet."""
    note = "" if piece.note == MISSING and job.phase == Phase.STARTING else piece.note
    return Chunk(piece.data, piece.next, piece.size, job.is_final and piece.next >= piece.size, note)
