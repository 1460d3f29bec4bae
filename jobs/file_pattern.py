"""Names of a job's files with symbols in them, as sbatch(1) has them under "filename pattern".

`%j` is the job's number, and `%4j` the same with at least four digits. A backslash anywhere switches the
symbols off and is left out itself. Symbols of what does not exist here, such as job arrays, are refused: a
name that says something else than it seems to is worse than none.
"""

import re
from dataclasses import dataclass
from typing import Final

LONGEST: Final = 2048
LONGEST_PART: Final = 255
MOST_DIGITS: Final = 10
SYMBOLS: Final = (
    "%j, %J and %A for the job's number, %x for its name, %u for your user name, %N for the node, "
    "%r for how often it was restarted, %n and %t for 0, %s for batch, %% for %"
)

_SYMBOL: Final = re.compile(r"%(\d*)(.?)", re.DOTALL)
_KNOWN: Final = frozenset("jJAxuNrnts%")
_ESCAPE: Final = "\\"


@dataclass(frozen=True, kw_only=True)
class FileFacts:
    """What the symbols stand for."""

    job_id: int
    name: str
    user: str
    node: str
    restarts: int = 0


def check(what: str, pattern: str) -> None:
    """Raise ValueError with what was asked and what is allowed, unless every symbol is known.

    `what` names the file: "output file".
    """
    if len(pattern.encode()) > LONGEST:
        raise ValueError(f"The {what} has more than {LONGEST:,} bytes. Give a shorter name.")
    if not pattern.isprintable():
        raise ValueError(f"The {what} has a line break or another control character in its name. Remove it.")
    if pattern.endswith(("/", "/.", "/..")) or pattern in (".", ".."):
        raise ValueError(f"The {what} {pattern[-200:]!r} names a directory. Give a file's name.")
    for digits, symbol in _symbols(pattern):
        if symbol not in _KNOWN:
            raise ValueError(
                f"The {what} has {f'%{digits}{symbol}'[:20]!r} in its name, which stands for nothing here. "
                f"There are {SYMBOLS}; a backslash switches all of them off."
            )
    if any(len(part.encode()) > LONGEST_PART for part in pattern.split("/")):
        raise ValueError(f"The {what} has a part of more than {LONGEST_PART} bytes. Give a shorter name.")


def expand(pattern: str, facts: FileFacts) -> str:
    """The name with what its symbols stand for. A job's name is one part of it, whatever is in it."""
    if _ESCAPE in pattern:
        return pattern.replace(_ESCAPE, "")
    numbers = {"j": facts.job_id, "J": facts.job_id, "A": facts.job_id, "r": facts.restarts, "n": 0, "t": 0}
    words = {"x": facts.name.replace("/", "_"), "u": facts.user, "N": facts.node, "s": "batch", "%": "%"}

    def meaning(match: re.Match[str]) -> str:
        digits, symbol = match.groups()
        if symbol in numbers:
            return f"{numbers[symbol]:0{min(int(digits or 0), MOST_DIGITS)}}"
        return words[symbol]

    return _SYMBOL.sub(meaning, pattern)


def fixed_directory(pattern: str) -> str:
    """The directory in which the file will be, as far as no symbol is in it; empty: the work directory."""
    above = pattern.rpartition("/")[0] or ("/" if pattern.startswith("/") else "")
    return "" if "%" in above or _ESCAPE in pattern else above


def _symbols(pattern: str) -> list[tuple[str, str]]:
    return [] if _ESCAPE in pattern else _SYMBOL.findall(pattern)
