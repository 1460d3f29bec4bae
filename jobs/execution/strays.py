"""Processes with our marker that belong to no running attempt: they are killed, and an event says so.

No transition leaves one. It mends what a bug, a restored backup or a hand in the database left.
"""

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable

from django.conf import settings

from jobs import lifecycle
from jobs.execution import cage, former_spools, processes
from jobs.execution.hands import Pair
from jobs.execution.processes import Identity
from jobs.execution.station import Station
from jobs.models import Job
from jobs.states import EventKind, Phase

logger = logging.getLogger("jobs.agent")


Kill = Callable[[str, Iterable[Identity]], bool]


class Strays:
    """The strays of one node. None is killed before a grace is over: a wrapper may just be leaving.

    But for those whose job runs again, or soon will: the second run has as little patience as the first.
    """

    def __init__(self, station: Station, kill: Kill = processes.kill_tree) -> None:
        self._station = station
        self._kill = kill
        self._in_vain: dict[Pair, list[Identity]] = {}
        self._since: dict[Pair, float] = {}
        """By attempt, not by process: what forks and leaves in a loop is never the same process twice."""
        self._former: dict[Pair, str] = {}
        """The markers of those that were started from a spool that this node has lost since."""
        self._lock = threading.Lock()

    def sweep(self) -> int:
        """Kill those that were strays for longer than the grace. Of how many attempts there were some."""
        with self._lock:
            found = self._found()
            moment = time.monotonic()
            self._since = {pair: self._since.get(pair, moment) for pair, strays in found.items() if strays}
            due = moment - settings.STALE_GRACE.total_seconds()
            again = _run_again({pair[0] for pair in self._since})
            certain = {
                pair: found[pair] for pair, since in self._since.items() if since <= due or pair[0] in again
            }
        for pair, strays in certain.items():
            self._end(pair, strays)
        return len(certain)

    def left(self) -> bool:
        """There is a stray now, however long for."""
        return any(self._found().values())

    def unkillable(self) -> list[Identity]:
        """Those that live on after they were killed."""
        for pair, strays in list(self._in_vain.items()):
            self._in_vain[pair] = [stray for stray in strays if processes.is_alive(stray)]
            if not self._in_vain[pair]:
                del self._in_vain[pair]
        return [stray for strays in self._in_vain.values() for stray in strays]

    def _found(self) -> dict[Pair, list[Identity]]:
        """By attempt. The rows are read last: whoever has a process by now was claimed before that."""
        found: dict[Pair, list[Identity]] = defaultdict(list)
        foreign: dict[str, list[Identity]] = defaultdict(list)
        for token, identity in processes.all_marked():
            pair = self._station.spool.pair_of(token)
            (found[pair] if pair is not None else foreign[token]).append(identity)
        self._former = former_spools.pairs_of(self._station, foreign)
        for pair, token in self._former.items():
            found[pair] += foreign[token]
        for pair, caged in self._station.caged():
            found[pair] += [identity for identity in caged if identity not in found[pair]]
        here = Job.objects.running().on(self._station.node_name).filter(pk__in={pair[0] for pair in found})
        for pair in here.values_list("pk", "attempt"):
            found.pop(pair, None)
        for pair in found:
            self._station.open_cage(pair)
        return found

    def _end(self, pair: Pair, strays: list[Identity]) -> None:
        pids = sorted(stray.pid for stray in strays)
        emptied = cage.kill(self._station.group_of(pair))
        token = self._former.get(pair) or self._station.spool.attempt(*pair).token
        gone = self._kill(token, strays) and emptied
        logger.error("job=%s attempt=%s: killed strays %s%s", *pair, pids, "" if gone else ", in vain")
        if not gone:
            self._in_vain[pair] = strays
        else:
            lifecycle.note(
                pair[0],
                EventKind.STRAY_KILLED,
                f"processes of attempt {pair[1]} were left and have been killed",
                actor=self._station.node_name,
                attempt=pair[1],
                pids=pids,
            )


def _run_again(job_ids: set[int]) -> set[int]:
    """Those of these jobs that others may have begun again by now."""
    again = Job.objects.filter(pk__in=job_ids, requeue=True).exclude(phase=Phase.DONE)
    return set(again.values_list("pk", flat=True))
