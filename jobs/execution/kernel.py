"""prctl(2), for launcher and wrapper. The C library is opened once, and every fork has it."""

import ctypes

PR_SET_DUMPABLE = 4
PR_SET_NAME = 15
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38

_prctl = ctypes.CDLL(None, use_errno=True).prctl


def set_for_this_process(option, value):  # type: (int, int | bytes) -> None
    """Set what the option names. Raises OSError when the kernel refuses."""
    if _prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), f"prctl {option}")
