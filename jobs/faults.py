"""Fault points: named places at which this process can be made to fail, to prove that nothing is lost there.

`faultpoint("claim.after_commit")` does nothing unless JOBSITE_FAULTS names a directory, and the platform's
processes start with that in a sandbox only (JOBSITE_SANDBOX). What happens then is in jobs.fault_actions. A
test in one process may install a function of its own instead, such as one that suspends the caller.

Standard library alone and tiny: each wrapper carries it, and what is not on costs a call.
"""

import os
from collections.abc import Callable  # noqa: F401 - for the types

directory = os.environ.get("JOBSITE_FAULTS", "")
"""Where this process finds what is to happen at its fault points. Empty: nothing ever does."""

_reached = None  # type: Callable[[str], object] | None


def faultpoint(name):  # type: (str) -> None
    """Whoever comes by here may be killed, delayed, or meet an error."""
    if _reached is not None:
        _reached(name)


def install(reached):  # type: (Callable[[str], object] | None) -> None
    """Have `reached` called with the name of each fault point from now on. None: nothing any more."""
    global _reached
    _reached = reached


def environment():  # type: () -> dict[str, str]
    """What a child with a clean environment must be told to have the same faults as this process."""
    return {"JOBSITE_FAULTS": directory} if directory else {}


if directory:
    from jobs import fault_actions

    install(fault_actions.Directory(directory))
