"""Names of a user's own variables: which there may be, and which never reach a job."""

import fnmatch
import re
from typing import Final

REFUSED: Final = (
    "LD_*",
    "PYTHON*",
    "DJANGO*",
    "CELERY*",
    "REDIS*",
    "DATABASE*",
    "LISTEN_DATABASE*",
    "AWS_*",
    "JOBSITE_*",
    "SLURM_*",
    "BASH_ENV",
    "ENV",
)
"""A user's own variable of such a name is not passed on."""

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")


def is_name(text: str) -> bool:
    """A variable can have this name."""
    return _NAME.fullmatch(text) is not None


def is_refused(name: str) -> bool:
    """A variable of this name never reaches a job."""
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in REFUSED)
