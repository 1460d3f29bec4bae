"""A table of jobs that fits its screen: what must be whole stays whole, the rest is cut or left out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from jobs.cli.screen import Screen, cut, pad, safe, width_of
from jobs.cli.server import Job
from jobs.resources import format_duration, format_memory

Record = dict[str, Any]

GAP: Final = "  "
TIGHT: Final = 6
"""On the narrowest screens a column is cut down to this."""


@dataclass(frozen=True)
class Column:
    """What a column shows of a job or a node, and what may become of it where room is short."""

    title: str
    read: Callable[[Record, datetime], str]
    right: bool = False
    least: int | None = None
    """It is cut down to so much before a column is left out. None: never cut."""
    spare: int = 0
    """The highest is left out first. 0: never left out."""


def waited(job: Job, now: datetime) -> str:
    """From its submission to its start, or to its end without one, or till now."""
    until = _moment(job["started_at"]) or _moment(job["ended_at"]) or now
    return format_duration(until - _submitted(job))


def ran(job: Job, now: datetime) -> str:
    """From its start to its end, or till now. A dash: it has not started."""
    started = _moment(job["started_at"])
    return format_duration((_moment(job["ended_at"]) or now) - started) if started else "-"


def where_or_why(job: Job, _: datetime) -> str:
    """The node of a job that simply runs; of any other, why it is as it is."""
    if job["state"] == "RUNNING" and job["phase"] != "STOPPING":
        return safe(job["node"])
    return safe(job["detail"] or job["reason"] or job["node"] or "-")


OWNER: Final = Column("OWNER", lambda job, _: safe(job["owner"]), least=6, spare=2)
GPUS: Final = Column("GPU", lambda job, _: str(job["gpus"]), right=True, spare=7)
COLUMNS: Final = (
    Column("ID", lambda job, _: str(job["id"]), right=True),
    Column("STATE", lambda job, _: safe(job["state"])),
    Column("NAME", lambda job, _: safe(job["name"]), least=10),
    OWNER,
    Column("CPU", lambda job, _: str(job["cpus"]), right=True, spare=5),
    Column("MEMORY", lambda job, _: format_memory(job["memory_mb"]), right=True, spare=6),
    GPUS,
    Column("WAITED", waited, right=True, spare=4),
    Column("RAN", ran, right=True, spare=3),
    Column("WHERE / WHY", where_or_why, least=26),
)


def table(jobs: Sequence[Job], now: datetime, screen: Screen, *, owners: bool) -> list[str]:
    """The lines: titles, then one for each job. Owners and GPUs are told only where they differ."""
    needless = {OWNER: not owners, GPUS: not any(job["gpus"] for job in jobs)}
    columns = [column for column in COLUMNS if not needless.get(column)]
    return grid(columns, jobs, now, screen, word="state")


def grid(
    columns: Sequence[Column], records: Sequence[Record], now: datetime, screen: Screen, *, word: str
) -> list[str]:
    """The lines: titles, then one for each record, with the word of this field in its colour."""
    cells = {column: [column.title, *(column.read(record, now) for record in records)] for column in columns}
    widths = _fit({column: max(map(width_of, texts)) for column, texts in cells.items()}, screen.width)
    rows = [_row({column: cells[column][n] for column in widths}, widths) for n in range(len(records) + 1)]
    told = (str(record[word]) for record in records)
    return [rows[0], *(_painted(row, text, screen) for row, text in zip(rows[1:], told, strict=True))]


def _fit(widths: dict[Column, int], room: int | None) -> dict[Column, int]:
    """Leave columns out until the rest can be cut to fit, then cut the widest first."""
    widths = dict(widths)
    if room is None:
        return widths
    while _total({column: min(width, column.least or width) for column, width in widths.items()}) > room:
        spare = max(widths, key=lambda column: column.spare)
        if not spare.spare:
            break
        del widths[spare]
    while _total(widths) > room:
        cuttable = [column for column, width in widths.items() if width > (column.least or width)]
        cuttable = cuttable or [column for column, width in widths.items() if column.least and width > TIGHT]
        if not cuttable:
            break
        widths[max(cuttable, key=lambda column: widths[column])] -= 1
    return widths


def _total(widths: dict[Column, int]) -> int:
    return sum(widths.values()) + len(GAP) * (len(widths) - 1)


def _row(texts: dict[Column, str], widths: dict[Column, int]) -> str:
    parts = [
        pad(cut(text, widths[column]), widths[column], right=column.right) for column, text in texts.items()
    ]
    return GAP.join(parts).rstrip()


def _painted(row: str, word: str, screen: Screen) -> str:
    """The row with a word in colour: that of its second column, which is never cut, as is the first."""
    first, gap, rest = row.lstrip().partition(GAP)
    blanks = row[: len(row) - len(row.lstrip())]
    return f"{blanks}{first}{gap}{rest.replace(word, screen.paint(word, word), 1)}"


def _submitted(job: Job) -> datetime:
    return datetime.fromisoformat(job["submitted_at"])


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
