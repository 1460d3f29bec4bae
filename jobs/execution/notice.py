"""A line of the platform's among a job's errors, where its person looks.

Standard library alone, as the wrapper. The file may be on a server that hangs, be full, or be something else
by now. So a child of the wrapper writes there, and the wrapper goes on: TERM is blocked in the child as it is
in the wrapper, and KILL ends it with the job.
"""

import contextlib
import os

from jobs.execution import streams


def tell(line, request, own):  # type: (bytes, dict[str, object], int) -> None
    """Write it where the job's error output goes; where that cannot be, to the attempt's `own` file."""
    path = str(request.get("stderr") or request.get("stdout") or "")
    if not path or not _is_left_to_a_child(line, path, own):
        _write(line, own)


def _is_left_to_a_child(line, path, own):  # type: (bytes, str, int) -> bool
    """False: there can be no child."""
    try:
        child = os.fork()
    except OSError:
        return False
    if child == 0:
        try:
            _append(line, path, own)
        finally:
            os._exit(0)
    return True


def _append(line, path, own):  # type: (bytes, str, int) -> None
    try:
        streams.append(path, line)
    except (OSError, ValueError):
        _write(line, own)


def _write(line, own):  # type: (bytes, int) -> None
    with contextlib.suppress(OSError):  # a full disk must not keep the job alive
        os.write(own, line)
