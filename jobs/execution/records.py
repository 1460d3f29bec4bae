"""The files of an attempt, read with care: a job can reach them, so nothing in them is believed unseen.

What is opened is a plain file of moderate size, or nothing; what it holds has the kinds that it should.
"""

import errno
import json
import os
import re
import stat
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, TypeGuard

from jobs.execution import scratch
from jobs.execution.processes import Identity

LARGEST: Final = 64 * 1024
MOST_POINTS: Final = 300
MOST_WORDS: Final = 8192
HIGHEST: Final = 2**63
"""Above what any amount is; JSON knows numbers that neither a float nor the database can hold."""
UNWRITABLE: Final = re.compile("[\0\ud800-\udfff]")
"""What JSON can tell, and neither the database nor the name of a file can hold."""
HIGHEST_CODE: Final = 255
HIGHEST_SIGNAL: Final = 64
HIGHEST_PID: Final = 2**22
"""PID_MAX_LIMIT of the kernel; proc_sys_kernel(5)."""
NEVER_OURS: Final = (errno.ELOOP, errno.ENXIO)
"""A symbolic link; a socket."""
CAUSES: Final = (None, "limit", "cancel", "output", "memory", "fenced")
OOMS: Final = ("", "proven", "suspected")


class UnreadableFileError(OSError):
    """A file of the spool does not hold what it should. It is left as it is."""

    def __init__(self, path: Path, why: object) -> None:
        self.path = path
        super().__init__(f"{path} cannot be read: {why}")


@dataclass(frozen=True, kw_only=True)
class Ticket:
    """The wrapper's ticket, with wrapper and job; or the tombstone, with neither."""

    wrapper: Identity | None = None
    job: Identity | None = None
    note: str = ""
    legible: bool = True

    @property
    def is_tombstone(self) -> bool:
        """Recovery won: the attempt has never started and never will."""
        return self.wrapper is None and self.legible


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The content of exit.json."""

    exit_code: int | None
    exit_signal: int | None
    cause: str | None
    launch_error: str | None
    cpu_seconds: float
    max_rss_kb: int
    wall_seconds: float
    core_dumped: bool = False
    peak_mb: float | None = None
    usage: list[list[float]] = field(default_factory=list)
    """Points of seconds since the start, CPUs and MiB."""
    measured: list[float] = field(default_factory=list)
    """What was found and what was allowed, in MiB, where a cause is about an amount."""
    oom: str = ""
    disk_full: bool = False
    last_words: str = ""


def read_ticket(path: Path) -> Ticket | None:
    """The ticket. None: nobody has linked one yet."""
    content = read_object(path)
    if content is None:
        return None
    if content.get("tombstone") is True:
        return Ticket()
    numbers = [content.get(name) for name in ("wrapper_pid", "wrapper_ticks", "pid", "start_ticks")]
    boot, note = content.get("boot_id"), content.get("note", "")
    sound = all(map(_is_amount, numbers)) and all(map(_is_pid, numbers[::2]))
    if not sound or not isinstance(boot, str) or not is_text(note):
        raise UnreadableFileError(path, "it names no wrapper and no job")
    wrapper_pid, wrapper_ticks, pid, start_ticks = map(int, numbers)  # type: ignore[arg-type]
    return Ticket(
        wrapper=Identity(boot, wrapper_pid, wrapper_ticks), job=Identity(boot, pid, start_ticks), note=note
    )


def read_outcome(path: Path) -> Outcome | None:
    """How the attempt ended, by its wrapper's word. None: it has not said so."""
    content = read_object(path)
    if content is None:
        return None
    told = {name: content[name] for name in Outcome.__dataclass_fields__ if name in content}
    extras = {name: told.pop(name) for name in EXTRAS if name in told}
    try:
        outcome = Outcome(**told)
    except TypeError as error:
        raise UnreadableFileError(path, f"something is missing: {error}") from error
    if not _is_sound(outcome):
        raise UnreadableFileError(path, "it tells of no end")
    return replace(outcome, **{name: value for name, value in extras.items() if EXTRAS[name](value)})


def _is_sound(outcome: Outcome) -> bool:
    """Exactly one of code, signal and the system's words, and amounts that are amounts."""
    ends = (outcome.exit_code, outcome.exit_signal, outcome.launch_error)
    code, number, words = ends
    return (
        sum(end is not None for end in ends) == 1
        and (code is None or (_is_amount(code) and code <= HIGHEST_CODE))
        and (number is None or (_is_amount(number) and 1 <= number <= HIGHEST_SIGNAL))
        and (words is None or is_text(words))
        and outcome.cause in CAUSES
        and _is_amount(outcome.max_rss_kb)
        and all(_is_time(seconds) for seconds in (outcome.cpu_seconds, outcome.wall_seconds))
    )


def is_text(value: object) -> TypeGuard[str]:
    """Text of moderate length that can be written to the database and to a page."""
    return isinstance(value, str) and len(value) <= MOST_WORDS and not UNWRITABLE.search(value)


def _is_amount(value: object) -> bool:
    return type(value) is int and 0 <= value < HIGHEST


def _is_pid(value: object) -> bool:
    """Nothing else is ever asked of the kernel: there, 0 and -1 mean whole groups."""
    return type(value) is int and 1 <= value <= HIGHEST_PID


def _is_time(value: object) -> bool:
    return type(value) in (int, float) and 0 <= value < HIGHEST  # type: ignore[operator]


def _is_flag(value: object) -> bool:
    return type(value) is bool


def _are_points(value: object) -> bool:
    return (
        isinstance(value, list)
        and len(value) <= MOST_POINTS
        and all(isinstance(point, list) and len(point) == 3 and all(map(_is_time, point)) for point in value)
    )


def _are_measured(value: object) -> bool:
    return isinstance(value, list) and len(value) in (0, 2) and all(map(_is_time, value))


EXTRAS: Final[dict[str, Callable[[object], bool]]] = {
    "core_dumped": _is_flag,
    "peak_mb": _is_time,
    "usage": _are_points,
    "measured": _are_measured,
    "oom": OOMS.__contains__,
    "disk_full": _is_flag,
    "last_words": is_text,
}
"""What an outcome may tell besides, each with its test: one that fails it is left out, the rest counts."""


def read_object(path: Path) -> dict[str, Any] | None:
    """The JSON object in a file. None: there is no file. Raises UnreadableFileError when it is no object."""
    raw = read_of_attempt(path)
    if raw is None:
        return None
    try:
        content = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise UnreadableFileError(path, error) from error
    if not isinstance(content, dict):
        raise UnreadableFileError(path, "not an object")
    return content


def read_of_attempt(path: Path) -> bytes | None:
    """As `read_plain`, of a file in an attempt's directory.

    Its job may have closed the directory, which is opened again; or the file itself, which then stays so.
    """
    try:
        return read_plain(path)
    except PermissionError:
        return _read_closed(path)


def _read_closed(path: Path) -> bytes | None:
    os.lstat(path.parent)  # raises PermissionError where the spool is closed: somebody may open it again
    try:
        scratch.open_up(str(path.parent))
        return read_plain(path)
    except (PermissionError, NotADirectoryError) as error:
        raise UnreadableFileError(path, error.strerror) from error


def read_plain(path: Path) -> bytes | None:
    """A file's content. None: there is no file. A link, a pipe or a device is not followed or waited for.

    Raises UnreadableFileError for what will stay so, another OSError for what may pass.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        if error.errno in NEVER_OURS:
            raise UnreadableFileError(path, error.strerror) from error
        raise  # out of descriptors, say: the next look may succeed, so nothing is concluded from this one
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise UnreadableFileError(path, "not a plain file")
        return os.pread(descriptor, LARGEST, 0)
    finally:
        os.close(descriptor)
