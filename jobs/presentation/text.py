"""A job's output, made harmless to show: any bytes become plain text. It is escaped where it is printed."""

import re
from typing import Final

_ESCAPES: Final = re.compile(
    rb"\x1b\[[0-?]*[ -/]*[@-~]"  # colours and cursor moves
    rb"|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)"  # titles, links and other strings
    rb"|\x1b[ -/]*[0-~]"
)
_UNFINISHED_ESCAPE: Final = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*|[\]PX^_][^\x07\x1b]*\x1b?|[ -/]*)\Z")
_LINE_ENDS: Final = re.compile(rb"\r+\n|\r")
_REPLACED: Final = 0xFFFD
_HARMFUL: Final = {
    **{code: 0x2400 + code for code in range(0x20) if code not in b"\t\n"},
    0x7F: 0x2421,
    **dict.fromkeys(range(0x80, 0xA0), _REPLACED),
    **dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A)), _REPLACED),
}
"""Control characters, and those that turn the direction of what follows them."""
LONGEST_HELD_BACK: Final = 256


def readable(data: bytes) -> str:
    """The text: escape sequences dropped, control characters as their pictures, odd bytes as U+FFFD.

    A lone carriage return, with which programs redraw their progress, begins a new line.
    """
    plain = _LINE_ENDS.sub(b"\n", _ESCAPES.sub(b"", data))
    return plain.decode(errors="replace").translate(_HARMFUL)


def whole(data: bytes) -> bytes:
    """The part that ends with a whole character and a whole escape sequence; the rest may still be coming."""
    cut = _UNFINISHED_ESCAPE.search(data, max(0, len(data) - LONGEST_HELD_BACK))
    end = cut.start() if cut else len(data) - _unfinished_character(data)
    if data[:end].endswith(b"\r"):  # perhaps the first half of a line's end
        end -= 1
    return data[:end]


def _unfinished_character(data: bytes) -> int:
    """How many bytes at the end begin a UTF-8 character that is not there in full."""
    for back in range(1, min(4, len(data) + 1)):
        byte = data[-back]
        if byte & 0xC0 != 0x80:
            needed = 4 if byte >= 0xF0 else 3 if byte >= 0xE0 else 2 if byte >= 0xC0 else 1
            return back if needed > back else 0
    return 0
