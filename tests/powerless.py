"""Do without what root may do to files, as a worker under an account of its own does."""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

VERSION_3: Final = 0x20080522
OVER_FILES: Final = 0b110
"""CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH; capabilities(7)."""

Words = ctypes.c_uint32 * 6
"""Effective, permitted and inheritable: the lower 32 of each, then the upper ones; capget(2)."""


@contextmanager
def powerless() -> Iterator[None]:
    """The modes of files mean something to this thread, also to root's."""
    had = _present()
    lowered = Words(*had)
    lowered[0] &= ~OVER_FILES
    _set(lowered)
    try:
        yield
    finally:
        _set(had)


def _present() -> "ctypes.Array[ctypes.c_uint32]":
    words = Words()
    _call("capget", words)
    return words


def _set(words: "ctypes.Array[ctypes.c_uint32]") -> None:
    _call("capset", words)


def _call(name: str, words: "ctypes.Array[ctypes.c_uint32]") -> None:
    header = (ctypes.c_uint32 * 2)(VERSION_3, 0)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc[name](header, words) != 0:
        raise OSError(ctypes.get_errno(), name)
