"""Where the sandbox is put: a directory of the drill's own, closed to others, with room and a short path."""

import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from jobsite.environment import LONGEST_SOCKET_PATH

NEEDED_MB: Final = 512
PREFIX: Final = "jobsite-drill-"
_LONGEST_BELOW: Final = len(f"/{PREFIX}12345678/var/run/.s.PGSQL.5432")


class NoPlaceError(Exception):
    """No directory for temporary files can hold the sandbox."""

    def __init__(self, reasons: Sequence[str]) -> None:
        self.reasons = tuple(reasons)
        super().__init__(
            f"The drill needs a place for its sandbox with {NEEDED_MB} MiB free: {'; '.join(reasons)}. "
            "Free some, or set TMPDIR to another directory."
        )


def candidates(variables: Mapping[str, str]) -> list[Path]:
    """Where temporary files go. Not a job's own TMPDIR: what is kept of a failure must outlive the job."""
    own = [] if "JOBSITE_JOB_ID" in variables else [tempfile.gettempdir()]
    return [Path(text) for text in dict.fromkeys([*own, "/tmp", "/var/tmp"])]  # noqa: S108 - made by mkdtemp


def make(places: Sequence[Path], *, needed_mb: int = NEEDED_MB) -> Path:
    """A new directory in the first of the places that can hold it. Raises NoPlaceError."""
    reasons = []
    for place in places:
        if reason := _unfit(place, needed_mb):
            reasons.append(f"{place} {reason}")
        else:
            return Path(tempfile.mkdtemp(prefix=PREFIX, dir=place))
    raise NoPlaceError(reasons)


def _unfit(place: Path, needed_mb: int) -> str:
    """Why it cannot be there; empty when it can."""
    if not place.is_dir():
        return "is no directory"
    if not os.access(place, os.W_OK | os.X_OK):
        return "cannot be written"
    if len(os.fsencode(place)) + _LONGEST_BELOW > LONGEST_SOCKET_PATH:
        return "has too long a path for a unix socket"
    free_mb = shutil.disk_usage(place).free // (1024 * 1024)
    return f"has {free_mb} MiB" if free_mb < needed_mb else ""
