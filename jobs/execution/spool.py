"""The spool: one directory per attempt on the node's own disk, and the files by which an attempt is settled.

`ticket` is made by link(2), which is atomic and never half-written: the wrapper links its own, recovery links
the tombstone to the same name, and whoever links wins. A directory is made once; that it exists means that
its message has been followed already.
"""

import json
import os
import secrets
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import Enum, auto
from pathlib import Path
from typing import Final

from jobs.execution.durable import make_once, sync_directory, write_durably, write_in_place
from jobs.execution.records import (
    HIGHEST,
    Outcome,
    Ticket,
    UnreadableFileError,
    is_text,
    read_object,
    read_of_attempt,
    read_outcome,
    read_plain,
    read_ticket,
)

VERSION: Final = 1


class Burial(Enum):
    """What came of linking the tombstone."""

    WON = auto()
    ALREADY = auto()
    LOST = auto()


@dataclass(frozen=True, kw_only=True)
class Request:
    """What the wrapper is told."""

    job_id: int
    attempt: int
    token: str
    arguments: list[str]
    environment: dict[str, str]
    work_dir: str
    time_limit_seconds: float
    grace_seconds: float
    stdin: str = ""
    """A whole path, its symbols replaced. Empty: there is nothing to read."""
    stdout: str = ""
    """Empty: the attempt's own file."""
    stderr: str = ""
    """Empty: where the output goes."""
    open_mode: str = "truncate"
    cpu_indices: list[int] = field(default_factory=list)
    """Empty: it is bound to none."""
    cgroup: str = ""
    """The directory of its control group. Empty: it has none."""
    warning_signal: int = 0
    """Sent `warning_seconds` before the limit. 0: none."""
    warning_seconds: float = 0
    warning_to_shell: bool = False
    output_limit_bytes: int = 0
    """0: none."""
    memory_mb: int = 0
    """0: not watched by the wrapper."""
    memory_slack_mb: int = 0
    requeue: bool = False
    """It is fenced when its agent has not renewed for `fence_seconds`."""
    fence_seconds: float = 45
    version: int = VERSION


class AttemptDirectory:
    """`<job>.<attempt>/`"""

    def __init__(self, spool: "Spool", job_id: int, attempt: int) -> None:
        self.spool = spool
        self.job_id = job_id
        self.attempt = attempt
        self.path = spool.path / f"{job_id}.{attempt}"

    @property
    def token(self) -> str:
        """The marker that every process of this attempt carries; no other platform's is equal."""
        return f"{self.spool.spool_id}.{self.job_id}.{self.attempt}"

    @property
    def pair(self) -> tuple[int, int]:
        """The job and the attempt."""
        return self.job_id, self.attempt

    @property
    def stdout(self) -> Path:
        """Where the job's output goes."""
        return self.path / "stdout"

    def make(self) -> bool:
        """Make it. False: it is there already, so this message has been followed before."""
        try:
            self.path.mkdir(mode=0o700)
        except FileExistsError:
            return False
        sync_directory(self.spool.path)
        return True

    def exists(self) -> bool:
        """It has been made."""
        return self.path.is_dir()

    def write_request(self, request: Request, script: bytes) -> None:
        """Leave the wrapper its request and the script's bytes, exactly as submitted."""
        write_durably(self.path / "script", script, mode=0o700)
        write_durably(self.path / "request.json", json.dumps(asdict(request)).encode())

    def tell_job(self, submitted_at: datetime) -> None:
        """Say whose directory it is. Two jobs of one number were not submitted at one moment."""
        write_in_place(self.path / "submitted", submitted_at.isoformat().encode())

    def is_of_another(self, submitted_at: datetime) -> bool:
        """It was made for another job of this number. False also when it does not say."""
        try:
            told = read_of_attempt(self.path / "submitted")
            return told is not None and datetime.fromisoformat(told.decode()) != submitted_at
        except (UnreadableFileError, ValueError):
            return False

    def set_aside(self) -> Path:
        """Give it a name that is no attempt's, and answer that. What is in it is left as it is."""
        aside = self.path.with_name(f"{self.path.name}.old-{secrets.token_hex(4)}")
        self.path.rename(aside)
        sync_directory(self.spool.path)
        return aside

    def group(self) -> str:
        """The control group that its request names. The job may have changed that. Empty: none."""
        try:
            told = (read_object(self.path / "request.json") or {}).get("cgroup")
        except OSError:
            return ""
        return told if is_text(told) else ""

    def ticket(self) -> Ticket | None:
        """The ticket. None: nobody has linked one yet."""
        return read_ticket(self.path / "ticket")

    def bury(self) -> Burial:
        """Link the tombstone to the ticket's name. WON or ALREADY: this attempt never starts."""
        try:
            os.link(self.spool.path / "tombstone", self.path / "ticket")
        except FileExistsError:
            return Burial.ALREADY if self._is_buried() else Burial.LOST
        sync_directory(self.path)
        return Burial.WON

    def _is_buried(self) -> bool:
        """The ticket is the tombstone. One that cannot be read is some wrapper's."""
        try:
            ticket = self.ticket()
        except UnreadableFileError:
            return False
        return ticket is not None and ticket.is_tombstone

    def outcome(self) -> Outcome | None:
        """How the attempt ended, by its wrapper's word. None: it has not said so."""
        return read_outcome(self.path / "exit.json")

    def tell(self) -> None:
        """Its end has been told of, though its row does not say it."""
        write_durably(self.path / "told", b"")

    def is_told(self) -> bool:
        """Nobody needs to be told of its end again. What is closed to us says nothing of that."""
        try:
            return (self.path / "told").exists()
        except OSError:
            return False

    def ask_cancel(self) -> None:
        """Tell the wrapper that the signal that follows means a cancel."""
        if not (self.path / "cancel").exists():
            write_durably(self.path / "cancel", b"")


class Spool:
    """A node's spool, told from every other by the id in it."""

    def __init__(self, path: Path, spool_id: str) -> None:
        self.path = path
        self.spool_id = spool_id

    @classmethod
    def open(cls, path: Path) -> "Spool":
        """The spool at this path, made when it is not there. Two who make it at once get the same one."""
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.chmod(0o700)
        make_once(path / "spool_id", secrets.token_hex(8).encode())
        make_once(path / "tombstone", json.dumps({"version": VERSION, "tombstone": True}).encode())
        return cls(path, (read_plain(path / "spool_id") or b"").decode().strip())

    def is_intact(self) -> bool:
        """It is still the spool that was opened. Raises OSError when nobody can tell just now."""
        try:
            told = read_plain(self.path / "spool_id")
        except UnreadableFileError:
            return False
        return told is not None and told.strip() == self.spool_id.encode()

    def attempt(self, job_id: int, attempt: int) -> AttemptDirectory:
        """The directory of one attempt, made or not."""
        return AttemptDirectory(self, job_id, attempt)

    def pair_of(self, token: str) -> tuple[int, int] | None:
        """The job and attempt that a marker names. None: it is of another spool, or somebody made it up."""
        spool_id, _, pair = token.partition(".")
        job, _, attempt = pair.partition(".")
        ours = spool_id == self.spool_id and token.isascii() and job.isdecimal() and attempt.isdecimal()
        return (int(job), int(attempt)) if ours and len(pair) < 30 else None

    def attempts(self) -> Iterator[AttemptDirectory]:
        """The attempts that have a directory."""
        for entry in self.path.iterdir():
            job, _, attempt = entry.name.partition(".")
            if job.isdecimal() and attempt.isdecimal() and int(job) < HIGHEST and int(attempt) < HIGHEST:
                yield self.attempt(int(job), int(attempt))

    def unlinked(self) -> Iterator[AttemptDirectory]:
        """The attempts that have a directory and no ticket in it: they may start yet."""
        return (one for one in self.attempts() if not os.path.lexists(one.path / "ticket"))
