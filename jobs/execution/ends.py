"""Brings the ends of a node's jobs into their rows, as soon as something says that one may have come."""

import logging
from collections.abc import Collection, Iterable

from django.db import InterfaceError, OperationalError

from jobs.execution.guarded import guarded
from jobs.execution.hands import Observers, Pair
from jobs.execution.settle import record_together, running_here, settle_pair
from jobs.execution.station import Station
from jobs.faults import faultpoint
from jobs.models import Job
from jobs.states import Phase

logger = logging.getLogger("jobs.agent")

AWAY = (OperationalError, InterfaceError)
"""What Django raises when the database does not answer or has hung up."""
TOGETHER = 100
"""So many ends are written in one transaction: each of their rows is locked until it is over."""


class Ends:
    """The ends of one node's jobs, and who waits for them."""

    def __init__(self, station: Station, observers: Observers) -> None:
        self._station = station
        self._observers = observers
        self._noted: set[Pair] = set()

    def attend(self, pair: Pair) -> None:
        """A job was launched: wait for its end, or take note of it if it is over by now."""
        job = running_here(self._station, *pair)
        if job is None:
            self._observers.tell(pair)
        elif self.watch(job) and job.phase == Phase.STOPPING:  # whoever asked found it in a thread's hands
            self._settle(*pair)

    def watch(self, job: Job) -> bool:
        """Be told of its end. False: it is over by now, and taken note of."""
        watched = self._station.watch_wrapper(job)
        if not watched:
            self.note((job.pk, job.attempt))
        return watched

    def note(self, *pairs: Pair) -> None:
        """Their wrappers have gone, so each exit.json is there, or never will be."""
        self._noted.update(pairs)
        guarded(self.settle_noted)

    def settle_noted(self) -> None:
        """Settle what was noted. With the database away it stays noted."""
        noted = tuple(self._noted)
        self._noted.difference_update(noted)
        try:
            self._each(self._not_recorded_together(noted))
        except AWAY:
            self._noted.update(noted)
            raise

    def stop_jobs(self) -> None:
        """Have those stopped whose end somebody has asked for."""
        stopping = Job.objects.stopping().on(self._station.node_name)
        self._each(stopping.values_list("pk", "attempt"))

    def tell_observers(self) -> None:
        """Of jobs that somebody else has settled."""
        for pair in self._observers.pairs():
            here = Job.objects.live().on(self._station.node_name)
            if not here.filter(pk=pair[0], attempt=pair[1]).exists():
                self._observers.tell(pair)

    def _not_recorded_together(self, noted: Collection[Pair]) -> list[Pair]:
        """Record the plain ends, many in one transaction. Answers those that must be settled one by one."""
        left = sorted(noted)
        for first in range(0, len(left), TOGETHER):
            for pair in self._recorded_together(left[first : first + TOGETHER]):
                self._observers.tell(pair)
                left.remove(pair)
        return left

    def _recorded_together(self, pairs: Collection[Pair]) -> list[Pair]:
        if len(pairs) == 1:
            return []
        try:
            return record_together(pairs, self._station)
        except AWAY:
            raise
        except Exception:
            logger.exception("%s ends could not be recorded together; now one by one", len(pairs))
            return []

    def _each(self, pairs: Iterable[Pair]) -> None:
        """Settle each of them. One that is odd keeps none of the others from it."""
        for pair in pairs:
            try:
                self._settle(*pair)
            except AWAY:
                raise
            except Exception:
                logger.exception("job=%s attempt=%s: left to the sweep", *pair)

    def _settle(self, job_id: int, attempt: int) -> None:
        if settle_pair(job_id, attempt, self._station):
            faultpoint("ingest.after_commit")
            self._observers.tell((job_id, attempt))
