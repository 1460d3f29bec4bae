"""Tracebacks in the logs, and whether a fault that was done explains them. None is overlooked by default.

One is explained when all three hold:
1. its last exception is of a kind that the fault produces (KINDS): of lost or refused connections, a
   statement that was ended, a lock that a stopped process held, a disk without room;
2. it came while the fault lasted, before all whom it had met were well again, or within AFTER seconds of
   that. Its moment is that of the last line before it with a time; a log without times (uvicorn's) tells a
   span, from there to the next with one;
3. the log is of a process that the fault can be felt by: any, for faults of database, broker and schedulers;
   for those of a node, that node's worker, or web and schedulers that wait for what it has locked.
A KeyError or an assertion is never explained, whatever is broken at that moment.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from tests.chaos.injuries import Injury
from tests.chaos.schedule import Harm

AFTER: Final = 20.0
"""Seconds: the longest of the times after which a process hears that what it waits for is gone."""
DATABASE: Final = frozenset({
    "django.db.utils.OperationalError", "django.db.utils.InterfaceError", "psycopg.OperationalError",
    "psycopg.errors.AdminShutdown", "psycopg.errors.CrashShutdown", "psycopg.errors.CannotConnectNow",
    "psycopg.errors.IdleInTransactionSessionTimeout", "psycopg.errors.LockNotAvailable",
    "jobs.contention.RowBusyError", "celery.beat.SchedulingError",
})  # fmt: skip
BROKER: Final = frozenset({
    "redis.exceptions.ConnectionError", "redis.exceptions.TimeoutError", "redis.exceptions.BusyLoadingError",
    "kombu.exceptions.OperationalError", "ConnectionResetError", "BrokenPipeError", "ConnectionRefusedError",
    "ConnectionError", "TimeoutError", "celery.beat.SchedulingError",
})  # fmt: skip
DISK: Final = frozenset({"OSError"})
NO_ROOM: Final = "[Errno 28]"
KINDS: Final[dict[Harm, frozenset[str]]] = {
    Harm.BROKER_KILL: BROKER,
    Harm.BROKER_CUT: BROKER,
    Harm.BROKER_MUTE: BROKER,
    Harm.BROKER_SLOW: BROKER,
    Harm.POSTGRES: DATABASE,
    Harm.PARTITION: DATABASE | BROKER,
    Harm.STOP: DATABASE | BROKER,
    Harm.DISK_FULL: DISK,
}
OF_ONE_NODE: Final = {Harm.PARTITION, Harm.STOP, Harm.DISK_FULL}
BEGIN: Final = "Traceback (most recent call last):"
_TIME: Final = re.compile(r"^\[?(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)[,.](\d{3})")
_CHAINED: Final = ("The above exception was", "During handling of the above")


@dataclass(frozen=True)
class Traceback:
    """One, with the whole chain that led to it."""

    log: str
    earliest: float
    latest: float
    """When it was written, in seconds since 1970: between these."""
    exception: str
    """The last one's name, with its module."""
    text: str


def read(logs: Path) -> list[Traceback]:
    """All of every log of this directory."""
    found: list[Traceback] = []
    for file in sorted([*logs.glob("*.log"), *logs.glob("*.log.1")]):
        found += tracebacks(file.name.partition(".")[0], file.read_text(errors="replace").splitlines())
    return found


def tracebacks(log: str, lines: list[str]) -> Iterator[Traceback]:
    """Those in these lines."""
    at, moment = 0, 0.0
    while at < len(lines):
        moment = _moment(lines[at]) or moment
        if lines[at].strip().lstrip("|+ ") != BEGIN:
            at += 1
            continue
        end = _end_of(lines, at)
        later = next(filter(None, map(_moment, lines[end : end + 200])), float("inf"))
        timed = at > 0 and _moment(lines[at - 1]) is not None
        last = lines[end - 1].strip().lstrip("|+ ")
        yield Traceback(
            log, moment, moment if timed else later, last.partition(":")[0], "\n".join(lines[at:end])
        )
        at = end


def unexplained(found: Iterable[Traceback], injuries: Iterable[Injury]) -> list[Traceback]:
    """Those that no fault that was done explains."""
    done = [*injuries]
    return [one for one in found if not any(explains(injury, one) for injury in done)]


def explains(injury: Injury, one: Traceback) -> bool:
    """By the three rules above."""
    is_kind = one.exception in KINDS.get(injury.harm, frozenset())
    if injury.harm is Harm.DISK_FULL and NO_ROOM not in one.text:
        return False
    in_time = injury.is_felt(one.earliest, one.latest, AFTER)
    return is_kind and in_time and _is_felt_by(injury, one.log)


def _is_felt_by(injury: Injury, log: str) -> bool:
    if injury.harm not in OF_ONE_NODE or not injury.nodes:
        return True
    if log.startswith("worker-"):
        return log.removeprefix("worker-") in injury.nodes or injury.harm is Harm.STOP
    return injury.harm is not Harm.DISK_FULL


def _end_of(lines: list[str], begin: int) -> int:
    """The line after the last exception of the chain that begins here."""
    for at in range(begin + 1, len(lines)):
        if _moment(lines[at]) is not None:
            return at
        if _is_inside(lines[at]):
            continue
        after = next((line for line in lines[at + 1 : at + 20] if line[:1].strip()), "")
        if not after.startswith(_CHAINED):
            return at + 1
    return len(lines)


def _is_inside(line: str) -> bool:
    """It is no exception, but what stands before or between them."""
    return not line[:1].strip(" \t|") or line.startswith((*_CHAINED, BEGIN))


def _moment(line: str) -> float | None:
    found = _TIME.match(line)
    if found is None:
        return None
    moment = datetime.strptime(found[1], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    return moment.timestamp() + int(found[2]) / 1000
