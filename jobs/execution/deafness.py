"""A worker that takes no messages any more though there are some for it: it looks alive, and starts no job.

Seen after lost connections to the broker: no error, no end. Nothing in the process says so; what says so is
that jobs of this node are placed, their messages lie in its queue, and the worker has taken none for long.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Final

from jobs.models import Job

WHY: Final = "it takes no messages though some wait for it, and starts anew"


class Deafness:
    """Counts for how long the worker has been deaf, as seen by this process itself, look by look.

    Of the time between two looks at most `step` counts: a machine that was frozen was not deaf.
    """

    def __init__(
        self, node_name: str, *, waiting: Callable[[], int], patience: timedelta, step: timedelta
    ) -> None:
        self._node_name = node_name
        self._waiting = waiting
        self._patience = patience.total_seconds()
        self._step = step.total_seconds()
        self._heard = False
        self._owed = False
        self._looked_at = 0.0
        self._deaf_for = 0.0

    def heard(self) -> None:
        """The worker has taken a message, whatever it says."""
        self._heard = True

    def look(self, moment: float) -> bool:
        """At a moment of the steady clock. True: it has been deaf for so long that it should start anew."""
        span, self._looked_at = min(moment - self._looked_at, self._step), moment
        heard, self._heard = self._heard, False
        owed_before, self._owed = self._owed, not heard and self._is_owed()
        self._deaf_for = self._deaf_for + span if owed_before and self._owed else 0.0
        return self._deaf_for >= self._patience

    def _is_owed(self) -> bool:
        placed = Job.objects.placed().on(self._node_name).filter(dispatched_at__isnull=False)
        return self._waiting() > 0 and placed.exists()
