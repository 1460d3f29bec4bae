"""A process that holds secrets shows them to nobody of its own account: jobs may run under the same one.

Linux lets every process of an account read the environment and the memory of the account's other processes.
One that is not dumpable is closed to all but root. It can still be signalled, waited for and seen in /proc.
"""

import ctypes
import os
import sys

_PR_SET_DUMPABLE = 4


def seclude() -> None:
    """Close this process to others. What it forks is closed too, what it executes is not."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def seclude_celery() -> None:
    """The same if this is a worker, Beat or Flower, and not somebody who only has something to send."""
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    if spec is not None and spec.name == "celery.__main__":
        seclude()
