"""The last lines that a job wrote, as text that anybody can be shown.

Standard library alone, as the wrapper."""

import os
import re
import stat

LINES = 20
BYTES = 4096
ESCAPE = re.compile("\x1b(?:\\[[0-?]*[ -/]*[@-~]|[@-_])")
"""Colours and movements of a terminal; ECMA-48."""

SHOWN = {"\t": " "}
UNKNOWN = "\N{REPLACEMENT CHARACTER}"


def of(path, *, flags=os.O_NOFOLLOW):  # type: (str, int) -> str
    """Those of one plain file; empty when there is none, or nothing in it."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC | flags)
    except OSError:
        return ""
    try:
        facts = os.fstat(descriptor)
        if not stat.S_ISREG(facts.st_mode):
            return ""
        begin = max(facts.st_size - BYTES, 0)
        return safe(os.pread(descriptor, BYTES, begin), whole=begin == 0)
    except OSError:
        return ""
    finally:
        os.close(descriptor)


def safe(raw, *, whole):  # type: (bytes, bool) -> str
    """Text without anything that does not print. Of a progress bar, what stood there at last."""
    lines = raw.decode(errors="replace").rstrip().split("\n")
    if not whole and len(lines) > 1:
        del lines[0]  # it may be the end of one
    shown = "\n".join(map(_safe_line, lines[-LINES:]))
    return shown.encode()[-BYTES:].decode(errors="ignore")


def _safe_line(line):  # type: (str) -> str
    told = ESCAPE.sub("", line.rstrip("\r").rpartition("\r")[2])
    return "".join(sign if sign.isprintable() else SHOWN.get(sign, UNKNOWN) for sign in told)
