"""A job's output as it grows, byte for byte, to the end of the job. A server that is away is waited for."""

import threading
from collections.abc import Callable
from typing import BinaryIO, Final, TypeVar

from jobs.cli.errors import UnreachableError
from jobs.cli.screen import safe
from jobs.cli.server import Job, Piece, Server

Value = TypeVar("Value")

SHORTEST: Final = 0.2
LONGEST: Final = 1.0
GROWTH: Final = 1.5
LOOK_AFTER: Final = 2.0
"""A job without output for so long is looked at: it may be waiting, and the person should know for what."""
AGAIN: Final = "Job {} is run again, and its output begins anew."


def pause(seconds: float) -> None:
    """Let time pass; a signal ends it."""
    threading.Event().wait(seconds)


def copy(server: Server, number: int, out: BinaryIO, stream: str = "stdout") -> str:
    """What there is now; what is written meanwhile is not waited for. Answers why it is none, or not all."""
    piece = server.output(number, 0, stream)
    end, attempt = piece.size, piece.attempt
    while piece.data:
        _write(out, piece.data)
        if piece.next >= end:
            break
        piece = server.output(number, piece.next, stream)
        if piece.attempt != attempt:
            return AGAIN.format(number)
    return piece.note


class Follower:
    """Follows one job's output. `say` tells the person what is not output."""

    def __init__(
        self,
        server: Server,
        number: int,
        out: BinaryIO,
        say: Callable[[str], None],
        wait: Callable[[float], None] = pause,
        stream: str = "stdout",
    ) -> None:
        self._server = server
        self._number = number
        self._out = out
        self._say = say
        self._wait = wait
        self._stream = stream
        self._attempt = 0
        self._away = False
        self._begin()

    def follow(self) -> None:
        """Write all of it; return when the job has ended and nothing more will come."""
        delay = SHORTEST
        while True:
            piece = self._ask(lambda: self._server.output(self._number, self._next, self._stream))
            if piece is not None and self._is_of_another_run(piece):
                continue
            if piece is not None and piece.data:
                _write(self._out, piece.data)
                self._next, self._idle, delay = piece.next, 0.0, SHORTEST
            if piece is not None:
                self._tell_once(piece.note)
            if piece is not None and piece.ended:
                return
            if piece is None or not piece.data or piece.next >= piece.size:
                self._rest(delay)
                delay = min(delay * GROWTH, LONGEST)

    def end(self) -> Job:
        """The job as it is, once the server answers."""
        while (job := self._ask(lambda: self._server.job(self._number))) is None:
            self._wait(LONGEST)
        return job

    def _begin(self) -> None:
        """Nothing of its output is written yet, and nothing said of it."""
        self._next = 0
        self._idle = 0.0
        self._told = ""
        self._note = ""

    def _is_of_another_run(self, piece: Piece) -> bool:
        """Its place was one in an earlier run's output, so the next question is for the beginning."""
        before, self._attempt = self._attempt, piece.attempt
        if before in (0, piece.attempt):
            return False
        if self._next > 0:
            self._say(AGAIN.format(self._number))
        self._begin()
        return True

    def _rest(self, seconds: float) -> None:
        self._wait(seconds)
        self._idle += seconds
        if self._next == 0 and self._idle >= LOOK_AFTER and not self._away:
            self._idle = 0.0
            self._tell_why_it_waits()

    def _tell_why_it_waits(self) -> None:
        """Once for each cause, and only as long as the job has not started."""
        job = self._ask(lambda: self._server.job(self._number))
        if job is None or job["state"] != "PENDING" or job["detail"] in ("", self._told):
            return
        self._told = job["detail"]
        self._say(f"Job {self._number} waits: {safe(self._told)}")

    def _tell_once(self, note: str) -> None:
        """Why nothing can be read, when that is something else than before."""
        if note and note != self._note:
            self._say(safe(note))
        self._note = note

    def _ask(self, question: Callable[[], Value]) -> Value | None:
        """The answer. None: the server is away, which is said once; the job goes on without it."""
        try:
            answer = question()
        except UnreachableError as error:
            if not self._away:
                self._say(f"{safe(error).rstrip('.')}. Job {self._number} goes on; waiting for the server.")
            self._away = True
            return None
        if self._away:
            self._say("The server answers again.")
        self._away = False
        return answer


def _write(out: BinaryIO, data: bytes) -> None:
    out.write(data)
    out.flush()
