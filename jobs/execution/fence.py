"""The fence of a job that may be run again: its wrapper ends it when its node has not renewed for too long.

The agent writes into `renewed`, in the spool, when its last renewal of the node's lease began: the boot, and
the seconds of a clock that counts through a suspend and never jumps. Somebody else may start the job again
only long after that, so two runs of it never overlap. Standard library alone, as the wrapper.
"""

import os

from jobs.execution import procfs
from jobs.execution.watches import NEVER, Watch, amount

RENEWED = "renewed"
LOOKS = 10
"""How often it is looked at within the time that a renewal counts."""
LONGEST = 200


class Fence(Watch):
    """Finds cause when the node is silent. It grants no grace: the job may be started elsewhere."""

    def __init__(self, request, now):  # type: (dict[str, object], float) -> None
        self.after = amount(request, "fence_seconds")
        self.renewed_at = -NEVER
        if request.get("requeue"):
            self.due = now
            self.boot_id = procfs.boot_id()
            self.spool = os.open("..", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    def look(self, now):  # type: (float) -> str
        """The node has not renewed its lease for too long.

        Or it had not, and has again: it was frozen with all that runs on it, and its agent woke first.
        """
        if self.due == NEVER:
            return ""
        self.due = now + self.after / LOOKS
        told = self._told()
        silence = 0.0
        if told is not None:
            silence = told - self.renewed_at if self.renewed_at > -NEVER else 0.0
            self.renewed_at = told
        fresh = 0 <= now - self.renewed_at < self.after and silence < self.after
        return "" if fresh else "fenced"

    def _told(self):  # type: () -> float | None
        """When the last renewal in this boot began. None: nothing is told now, so the last word counts."""
        try:
            boot_id, began = self._read().split()
            return float(began) if boot_id.decode() == self.boot_id else None
        except (OSError, ValueError):
            return None

    def _read(self):  # type: () -> bytes
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        descriptor = os.open(RENEWED, flags, dir_fd=self.spool)
        try:
            return os.pread(descriptor, LONGEST, 0)
        finally:
            os.close(descriptor)
