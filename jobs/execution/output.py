"""The one door through which output is read: by descriptor, from a job's own files, never by a path it names.

The job writes straight to its files, so no death of ours can break it. What another machine's node has, its
agent reads for us; when that node is silent, that is what is answered.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from django.conf import settings

from jobs.execution import far_output, stream_file
from jobs.execution.stream_file import CHUNK, MISSING, STREAMS, Piece
from jobs.models import Job, Node
from jobs.models.clock import database_now
from jobs.states import Phase

__all__ = ["CHUNK", "STREAMS", "Chunk", "more", "read", "tail"]

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
    node = job.node
    reachable = _is_here(node) or Node.objects.filter(pk=node.pk).reachable(database_now()).exists()
    piece = _piece(job, node, attempt, stream, offset, limit) if reachable else None
    if piece is None:
        gone = job.is_final and not reachable
        return Chunk(b"", offset, offset, ended=gone, note=SILENT.format(node.name))
    return _chunk(job, piece)


def more(job: Job, attempt: int, stream: str, offset: int, limit: int) -> bytes:
    """What follows a piece that was read just now: no bytes when there are none or its node is silent.

    It asks no database, so any thread may do it: what a thread without a request opens there, nobody closes.
    """
    piece = _piece(job, job.node, attempt, stream, offset, limit) if job.node is not None else None
    return piece.data if piece is not None else b""


def tail(job: Job, attempt: int, stream: str = "stdout", limit: int = CHUNK) -> tuple[int, Chunk]:
    """Where the last `limit` bytes begin, and these bytes."""
    whole = read(job, attempt, stream, 0, 0)
    start = max(0, whole.size - limit)
    return (start, whole) if whole.note else (start, read(job, attempt, stream, start, limit))


def _is_here(node: Node) -> bool:
    return _spool_of(node).is_dir()


def _spool_of(node: Node) -> Path:
    spool: Path = settings.JOBSITE_VAR / "spool" / node.name
    return spool


def _piece(job: Job, node: Node, attempt: int, stream: str, offset: int, limit: int) -> Piece | None:
    """Read here, or asked of its agent. None: that one does not answer."""
    if _is_here(node):
        return stream_file.read(_spool_of(node) / f"{job.pk}.{attempt}", stream, offset, limit)
    return far_output.ask(node.name, job.pk, attempt, stream, offset, limit)


def _chunk(job: Job, piece: Piece) -> Chunk:
    """A directory that is missing says nothing about a job that is being started: it is not made yet."""
    note = "" if piece.note == MISSING and job.phase == Phase.STARTING else piece.note
    return Chunk(piece.data, piece.next, piece.size, job.is_final and piece.next >= piece.size, note)
