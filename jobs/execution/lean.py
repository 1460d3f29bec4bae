"""JSON and signals at a fraction of the memory, for processes of which there may be hundreds at once.

A forked wrapper shares its launcher's memory until it touches it, and in Python to look at an object is
to touch it: each page costs its copy, 3 microseconds and 4 KiB. `json.dumps` and `signal.signal` look at
regular expressions and enums; what they rest on does not. That is a seventh of a waiting wrapper.
"""

import json
from _signal import (  # type: ignore[import-not-found]
    SIG_DFL,
    SIG_IGN,
    SIG_SETMASK,
    getsignal,
    pthread_sigmask,
    signal,
)
from json import encoder

__all__ = ["SIG_DFL", "SIG_IGN", "SIG_SETMASK", "decode", "encode", "getsignal", "pthread_sigmask", "signal"]

_decode = json.JSONDecoder().raw_decode
_default = json.JSONEncoder().default
_FLAGS = (False, False, True)
"""Keys as they come, none skipped; NaN is written as `json` writes it."""
_chunks = encoder.c_make_encoder and encoder.c_make_encoder(  # type: ignore[attr-defined]
    None, _default, encoder.encode_basestring, None, ": ", ", ", *_FLAGS
)


def decode(content):  # type: (bytes) -> dict[str, object]
    """The object in a text of ours, which begins at once. Raises ValueError."""
    return _decode(content.decode())[0]  # type: ignore[no-any-return]


def encode(content):  # type: (dict[str, object]) -> bytes
    """The text of an object."""
    if _chunks is None:  # an interpreter without the accelerator
        return json.dumps(content, ensure_ascii=False).encode()
    return "".join(_chunks(content, 0)).encode()
