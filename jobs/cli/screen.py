"""Text that is safe in a terminal, and fits it."""

import os
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self, TextIO

CUT: Final = "…"
NARROWEST: Final = 40
_COLOURS: Final = {
    "PENDING": "35",
    "RUNNING": "36",
    "COMPLETED": "32",
    "FAILED": "31",
    "CANCELLED": "90",
    "UP": "32",
    "DRAIN": "33",
    "RECONCILING": "36",
    "DOWN": "31",
    "error": "1;31",
    "hint": "1;36",
}


@dataclass(frozen=True, kw_only=True)
class Screen:
    """What is at the end of a stream."""

    width: int | None = None
    """None: no terminal, so that nothing is cut."""
    colour: bool = False

    @classmethod
    def of(cls, stream: TextIO, variables: Mapping[str, str]) -> Self:
        """The terminal that this stream writes to, if it is one."""
        if not stream.isatty():
            return cls()
        plain = bool(variables.get("NO_COLOR")) or variables.get("TERM", "dumb") == "dumb"
        try:
            found = os.get_terminal_size(stream.fileno()).columns
        except OSError:
            found = 0
        told = variables.get("COLUMNS", "")
        width = int(told) if told.isascii() and told.isdecimal() and len(told) < 6 else found
        return cls(width=max(width or 80, NARROWEST), colour=not plain)

    def paint(self, text: str, meaning: str) -> str:
        """The text in the colour of a state, of a node's service, of `error` or of `hint`."""
        code = _COLOURS.get(meaning)
        return f"\x1b[{code}m{text}\x1b[0m" if self.colour and code else text


def safe(text: object) -> str:
    """Text whose control characters are shown and not obeyed."""
    return "".join(char if char.isprintable() else _shown(char) for char in str(text))


def _shown(char: str) -> str:
    return char.encode("unicode_escape").decode()


def width_of(text: str) -> int:
    """The columns that printable text takes."""
    return sum(_columns(char) for char in text)


def cut(text: str, width: int) -> str:
    """The text, or as much of its beginning as fits, with a sign that it goes on."""
    if width_of(text) <= width:
        return text
    room, kept = width - 1, ""
    for char in text:
        room -= _columns(char)
        if room < 0:
            break
        kept += char
    return kept + CUT


def pad(text: str, width: int, *, right: bool = False) -> str:
    """The text with blanks up to this width, on its left when it is to stand right."""
    blanks = " " * (width - width_of(text))
    return blanks + text if right else text + blanks


def _columns(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1
