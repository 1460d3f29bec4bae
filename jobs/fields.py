"""The fields of a request, each read from what a form, a JSON body or a command line gave.

Every reader answers the field's value or raises ValueError with what was asked, what is allowed and what to
do. A field that was left out has its default.
"""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from jobs.resources import parse_memory
from jobs.variables import is_name
from jobs.warning_signal import WarningSignal

LARGEST_SCRIPT: Final = 1024 * 1024
LONGEST_NAME: Final = 128
MOST_VARIABLES: Final = 256
LARGEST_ENVIRONMENT: Final = 64 * 1024
MOST_ARGUMENTS: Final = 256
HIGHEST_PRIORITY: Final = 1_000_000
MOST_ATTEMPTS: Final = 100
DEFAULT_ATTEMPTS: Final = 5
DEFAULT_MEMORY_MB: Final = 1024

_YES = {"true", "on", "1", "yes"}
_NO = {"", "false", "off", "0", "no"}


def read_script(value: object) -> str:
    """The script, any text of at most 1 MiB that is not blank."""
    if not isinstance(value, str) or not value.strip():
        raise ValueError("The script is empty. Give the commands that the job is to run.")
    if "\0" in value:
        raise ValueError("The script contains a NUL byte, which no shell script may. Remove it.")
    try:
        size = len(value.encode())
    except UnicodeEncodeError:
        raise ValueError("The script is not UTF-8 text. Save it as UTF-8.") from None
    if size > LARGEST_SCRIPT:
        raise ValueError(
            f"The script has {size:,} bytes; at most {LARGEST_SCRIPT:,} (1 MiB) are allowed. "
            "Put data into a file that the script reads."
        )
    return value


def read_name(value: object) -> str:
    """One line of text; "job" when it was left out."""
    if value is None or value == "":
        return "job"
    if not isinstance(value, str) or not value.strip():
        raise ValueError("The name must be text. Leave it out for the name 'job'.")
    if len(value) > LONGEST_NAME:
        raise ValueError(
            f"The name has {len(value)} characters; at most {LONGEST_NAME} are allowed. Shorten it."
        )
    if not value.isprintable():
        raise ValueError("The name contains a line break or another control character. Use one line of text.")
    return value.strip()


def read_whole(what: str, value: object, default: int, least: int, most: int) -> int:
    """A whole number between two bounds."""
    if value is None or value == "":
        return default
    text = str(value).strip()
    if isinstance(value, bool | float) or not re.fullmatch(r"[+-]?\d{1,18}", text, re.ASCII):
        raise ValueError(f"{what}: {text[:40]!r} is not a whole number. Give one from {least} to {most:,}.")
    if not least <= int(text) <= most:
        raise ValueError(
            f"{what}: {int(text):,} is not possible. Give a whole number from {least} to {most:,}."
        )
    return int(text)


def read_priority(value: object) -> int:
    """A whole number; who may raise it is decided elsewhere."""
    return read_whole("Priority", value, 0, -HIGHEST_PRIORITY, HIGHEST_PRIORITY)


def read_memory(value: object) -> int:
    """MiB."""
    if value is None or value == "":
        return DEFAULT_MEMORY_MB
    if not isinstance(value, str | int | float):
        raise ValueError("Memory must be a number of MiB or a text such as 2G.")
    return parse_memory(value)


def read_work_dir(value: object, is_directory: Callable[[str], bool]) -> str:
    """The whole path of a directory that is there; empty for a private one."""
    if value is None or value == "":
        return ""
    if not isinstance(value, str) or not is_plain(value):
        raise ValueError("The work directory must be a path, in UTF-8 and without a NUL byte.")
    if not value.startswith("/"):
        raise ValueError(f"The work directory {value[:200]!r} is relative. Give the whole path, from /.")
    if not is_directory(value):
        found = "is not a directory" if os.path.exists(value) else "does not exist"  # noqa: PTH110
        raise ValueError(f"The work directory {value[:200]!r} {found}. Give a directory that is there.")
    return value


def read_arguments(value: object) -> tuple[str, ...]:
    """The script's arguments."""
    if value is None or value == "":
        return ()
    if not isinstance(value, Sequence) or isinstance(value, str | bytes):
        raise ValueError("The arguments must be a list of texts.")
    if len(value) > MOST_ARGUMENTS:
        raise ValueError(f"There are {len(value)} arguments; at most {MOST_ARGUMENTS} are allowed.")
    if not all(is_plain(item) for item in value):
        raise ValueError("Each argument must be text without a NUL byte.")
    return tuple(value)


def read_environment(value: object) -> dict[str, str]:
    """The user's own variables."""
    if value is None or value == "":
        return {}
    if not isinstance(value, Mapping):
        raise ValueError("The environment must map names to texts.")
    if len(value) > MOST_VARIABLES:
        raise ValueError(f"There are {len(value)} variables; at most {MOST_VARIABLES} are allowed.")
    for name, content in value.items():
        if not isinstance(name, str) or not is_name(name):
            raise ValueError(
                f"{str(name)[:40]!r} is no variable's name. Use letters, digits and underscores."
            )
        if not is_plain(content):
            raise ValueError(f"The variable {name} must be text without a NUL byte.")
    size = sum(len(name) + len(content.encode()) for name, content in value.items())
    if size > LARGEST_ENVIRONMENT:
        raise ValueError(f"The variables have {size:,} bytes; at most {LARGEST_ENVIRONMENT:,} are allowed.")
    return dict(value)


def is_plain(value: object) -> bool:
    """Text that can be passed to a process."""
    if not isinstance(value, str) or "\0" in value:
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def read_truth(value: object) -> bool:
    """Yes or no, as forms and JSON say it."""
    text = str(value if value is not None else "").strip().lower()
    if text in _YES or text in _NO:
        return text in _YES
    raise ValueError(f"{text[:40]!r} is neither yes nor no. Give true or false.")


def read_signal(value: object) -> WarningSignal | None:
    """The warning before the limit. None: none is wanted."""
    if value is None or value == "":
        return None
    if not isinstance(value, str | int) or isinstance(value, bool):
        raise ValueError("The signal must be a text such as USR1@60.")
    return WarningSignal.parse(str(value))


def read_max_attempts(value: object) -> int:
    """How often a job may be run, the first time counted."""
    return read_whole("Attempts", value, DEFAULT_ATTEMPTS, 1, MOST_ATTEMPTS)
