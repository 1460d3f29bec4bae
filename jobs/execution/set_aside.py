"""What was set aside for a new job of the same number: it goes when its retention is over.

It has no row any more. So its retention counts from when a sweep saw it first, by the database's clock: this
machine's own may be wrong, or set back.
"""

import logging
import re
import time
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from django.conf import settings

from jobs.execution import processes
from jobs.execution.deletion import delete
from jobs.execution.durable import write_in_place
from jobs.execution.records import UnreadableFileError, read_plain
from jobs.execution.station import Station
from jobs.models.clock import database_now

logger = logging.getLogger("jobs.agent")

NAME: Final = re.compile(r"([0-9]+\.[0-9]+)\.old-[0-9a-f]{8}")
SINCE: Final = ".since"
SPENT: Final = 10.0
"""Seconds after which one sweep deletes no more."""


class SetAside:
    """Of one node: of its spool, and of the private work directories."""

    def __init__(self, station: Station) -> None:
        self._station = station

    def sweep(self) -> None:
        """Note when each was seen first, and delete those that have been seen for long."""
        retention: timedelta | None = settings.SPOOL_RETENTION
        found = list(self._found()) if retention is not None else []
        if not found or retention is None:
            return
        moment = database_now()
        self._delete(path for path in found if _seen_since(path, moment) + retention < moment)

    def _found(self) -> Iterator[Path]:
        for place in (self._station.spool.path, settings.SCRATCH):
            paths = place.iterdir() if place.is_dir() else ()
            yield from (path for path in paths if NAME.fullmatch(path.name))

    def _delete(self, due: Iterable[Path]) -> None:
        """But what a process of such an attempt may still use, whichever job's it is."""
        alive = {".".join(token.split(".")[-2:]) for token, _ in processes.all_marked()}
        until = time.monotonic() + SPENT
        for path in due:
            if time.monotonic() > until:
                return
            if path.name.partition(".old-")[0] not in alive and delete(path):
                _note(path).unlink(missing_ok=True)


def _seen_since(path: Path, moment: datetime) -> datetime:
    """When it was seen first. Whatever cannot be read there is written anew; without that, it is seen now."""
    try:
        return datetime.fromisoformat((read_plain(_note(path)) or b"").decode())
    except (UnreadableFileError, ValueError):
        try:
            write_in_place(_note(path), moment.isoformat().encode())
        except OSError as error:
            logger.warning("%s stays: when it was set aside cannot be noted: %s", path, error)
        return moment


def _note(path: Path) -> Path:
    """Beside it, and not in it: a job may have closed its directory."""
    return path.with_name(path.name + SINCE)
