"""The files that a job reads and writes in the place of the platform's own, as its owner names them."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from jobs import file_pattern
from jobs.fields import is_plain
from jobs.raw_request import RawRequest
from jobs.states import OpenMode

FIELDS: Final = ("stdin_path", "stdout_path", "stderr_path", "open_mode")
WHATS: Final = {"stdin_path": "input file", "stdout_path": "output file", "stderr_path": "error output file"}
NOTHING: Final = "/dev/null"


@dataclass(frozen=True)
class Files:
    """Patterns, empty for what the platform does by itself; and what becomes of a file that is there."""

    stdin_path: str = ""
    stdout_path: str = ""
    stderr_path: str = ""
    open_mode: OpenMode = OpenMode.TRUNCATE


NONE: Final = Files()
"""Nothing to read, and output that the platform keeps."""


def read(raw: RawRequest, work_dir: str | None, is_directory: Callable[[str], bool]) -> Files | None:
    """What a request says of files. None: something is wrong, which is noted at its field."""
    found = {
        field: raw.take(field, lambda value, what=what: _pattern(what, value, work_dir, is_directory))  # type: ignore[misc]
        for field, what in WHATS.items()
    }
    mode = raw.take("open_mode", _open_mode)
    if mode is None or None in found.values():
        return None
    return Files(**{field: str(pattern) for field, pattern in found.items()}, open_mode=mode)


def _pattern(what: str, value: object, work_dir: str | None, is_directory: Callable[[str], bool]) -> str:
    if value is None or value == "":
        return ""
    if not is_plain(value):
        raise ValueError(f"The {what} must be a path, in UTF-8 and without a NUL byte.")
    pattern = str(value)
    if pattern == NOTHING:
        return pattern
    file_pattern.check(what, pattern)
    above = file_pattern.fixed_directory(pattern)
    whole = os.path.join(work_dir or "", above)  # noqa: PTH118 - a pure module's paths are texts
    if above and whole.startswith("/") and not is_directory(whole):
        raise ValueError(
            f"The directory {whole[:200]!r} of the {what} does not exist. Make it first, or name another one."
        )
    return pattern


def _open_mode(value: object) -> OpenMode:
    text = str(value or OpenMode.TRUNCATE).strip().lower()
    if text not in list(OpenMode):
        raise ValueError(
            f"Open mode {text[:40]!r} is not known. Give truncate, to empty a file that is there, or append."
        )
    return OpenMode(text)
