"""The node agent: speaks for its node, records the ends of its jobs, stops them when asked, sweeps.

It lives inside the worker, in threads of its own and never in a pool slot. Killing it disturbs no job:
wrappers supervise the jobs, and the next agent reads what they wrote.
"""

import logging
import threading
from collections.abc import Callable, Iterable
from functools import partial

from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError, connection

from jobs import fleet, messages
from jobs.ear import Ear
from jobs.execution import launcher
from jobs.execution.broker_ping import BrokerPing
from jobs.execution.containment import Containment
from jobs.execution.hands import Hands, Observers, Pair
from jobs.execution.health import Health
from jobs.execution.lease import LeaseKeeper, LeaseLostError
from jobs.execution.settle import running_here, settle_pair
from jobs.execution.signals import sweep_due
from jobs.execution.spool import Spool
from jobs.execution.station import Station
from jobs.execution.strays import Strays
from jobs.execution.sweeps import TIMER, Sweeps, Wish
from jobs.execution.watch import Watch
from jobs.models import Job
from jobs.states import Phase

logger = logging.getLogger("jobs.agent")

AWAY = (OperationalError, InterfaceError)
"""What Django raises when the database does not answer or has hung up."""


class NodeAgent:
    """One per node name. `start` returns once the node's lease is held."""

    def __init__(
        self,
        node_name: str,
        spool: Spool,
        *,
        leave: Callable[[str], None],
        containment: Containment | None = None,
    ) -> None:
        self.observers = Observers()
        self.hands = Hands(settings.LAUNCH_PATIENCE.total_seconds())
        self.watch = Watch(self._process_ended)
        self.station = Station(node_name, spool, hands=self.hands, watch=self.watch, containment=containment)
        self._strays = Strays(self.station)
        self._health = Health(self.station, self._strays)
        self.sweeps = Sweeps(self._sweep, settings.SWEEP_INTERVAL)
        self._leave = leave
        self._stopping = threading.Event()
        self._unsettled: set[Pair] = set()
        self._ping = BrokerPing(settings.HEARTBEAT)
        self._lease: LeaseKeeper | None = None

    @property
    def lease(self) -> LeaseKeeper:
        """The node's lease."""
        assert self._lease is not None, "the agent has not started"  # noqa: S101
        return self._lease

    def start(self, *, abandoned: Callable[[], bool]) -> bool:
        """Enrol the node and take its lease, however long the database needs. False: abandoned meanwhile."""
        while not self._take_lease():
            if abandoned() or self._stopping.wait(1.0):
                return False
        self._ping.start()
        self.watch.start()
        for run, name in ((self._beat, "lease"), (self._listen, "ear"), (self.sweeps.run, "sweep")):
            threading.Thread(target=run, name=name, daemon=True).start()
        return True

    def stop(self) -> None:
        """Claim nothing more, let the observers go, end the threads. The jobs go on."""
        self._stopping.set()
        self.sweeps.stop()
        self.observers.let_go()
        if self._lease is not None:
            self._lease.give_up()
        self._ping.stop()

    def pause(self, seconds: float) -> None:
        """Wait a little, or less when the agent stops."""
        self._stopping.wait(seconds)

    def _take_lease(self) -> bool:
        try:
            if self._lease is None:
                self._lease = LeaseKeeper(
                    fleet.enrol(self.station.node_name, **_size()),
                    boot_id=self.station.boot_id,
                    spool_id=self.station.spool.spool_id,
                    lease=settings.NODE_LEASE,
                )
            if self._lease.take():
                fleet.resize(self.station.node_name, **_size())
                fleet.tell_enforcement(self.station.node_name, self.station.containment.table())
                return True
            logger.warning(
                "another machine speaks for node %s; waiting for its lease to end", self.station.node_name
            )
        except (DatabaseError, InterfaceError) as error:
            logger.warning("the database does not answer: %s", str(error).strip())
            connection.close()
        return False

    def _beat(self) -> None:
        """Renew the lease; wake the scheduler when the broker is heard again."""
        heard = False
        while not self._stopping.is_set():
            hears = self._ping.hears()
            if not self._renew(hears_broker=hears):
                return
            if hears and not heard:
                self._guarded(messages.wake_scheduler)
            heard = hears
            self._ping.changed.wait(settings.HEARTBEAT.total_seconds())
            self._ping.changed.clear()

    def _renew(self, *, hears_broker: bool) -> bool:
        """False: this agent must go. A database that is away costs the renewal, not the agent."""
        try:
            if not self.station.spool.is_intact():
                self._leave("its spool is gone")
                return False
            self.lease.renew(hears_broker=hears_broker)
        except LeaseLostError:
            self._leave(f"another agent speaks for node {self.station.node_name} now")
            return False
        except Exception as error:  # whatever it is, an agent that renews no more lets its node die
            logger.warning("the lease was not renewed: %s", str(error).strip(), exc_info=_is_news(error))
            connection.close()
        return True

    def _listen(self) -> None:
        """Stop jobs as soon as somebody asks; never sweep here, or a cancel would wait behind the sweep."""
        with Ear(settings.LISTEN_DATABASE_URL, messages.AGENT_CHANNEL) as ear:
            while not self._stopping.is_set():
                for verb in self._heard(ear):
                    self._guarded(partial(self._obey, verb))
                self._guarded(self._settle_unsettled)

    def _obey(self, verb: str) -> None:
        match verb:
            case messages.STOP:
                self._stop_jobs()
            case messages.SWEEP:
                self.sweeps.ask(TIMER)
            case messages.RECOVER | messages.REHEARSE:
                self.sweeps.ask(Wish("operator", dry_run=verb == messages.REHEARSE))

    def _heard(self, ear: Ear) -> list[str]:
        """What somebody asked of this node within a second."""
        try:
            told = [payload.partition(" ") for payload in ear.wait(1.0) or ()]
        except Exception:
            logger.exception("heard nothing")
            self.pause(1.0)
            return []
        return [verb for name, _, verb in told if name in (self.station.node_name, messages.EVERYBODY)]

    def _stop_jobs(self) -> None:
        stopping = Job.objects.stopping().on(self.station.node_name)
        self._each(stopping.values_list("pk", "attempt"))

    def _sweep(self, wish: Wish) -> None:
        self._guarded(partial(self._station_sweep, wish))

    def _station_sweep(self, wish: Wish) -> None:
        sweep_due.send(sender=NodeAgent, station=self.station, trigger=wish.trigger, dry_run=wish.dry_run)
        for job in Job.objects.running().on(self.station.node_name):
            self._guarded(partial(self.station.watch_wrapper, job))
        if not wish.dry_run:
            self._guarded(self._strays.sweep)
            self._guarded(self._health.look)
        self._tell_of_ends()

    def attend(self, pair: Pair) -> None:
        """A job was launched: wait for its end, or take note of it if it is over by now."""
        job = running_here(self.station, *pair)
        if job is None:
            self.observers.tell(pair)
        elif not self.station.watch_wrapper(job):
            self._process_ended(pair)
        elif job.phase == Phase.STOPPING:  # whoever asked found it in a thread's hands
            self._settle(*pair)

    def _process_ended(self, pair: Pair) -> None:
        """A wrapper has gone, so its exit.json is there, or never will be."""
        self._unsettled.add(pair)
        self._guarded(launcher.reap)
        self._guarded(self._settle_unsettled)

    def _settle_unsettled(self) -> None:
        noted = tuple(self._unsettled)
        self._unsettled.difference_update(noted)
        try:
            self._each(noted)
        except AWAY:
            self._unsettled.update(noted)
            raise

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
        if settle_pair(job_id, attempt, self.station):
            self.observers.tell((job_id, attempt))

    def _tell_of_ends(self) -> None:
        """Observers of jobs that somebody else has settled."""
        for pair in self.observers.pairs():
            here = Job.objects.live().on(self.station.node_name)
            if not here.filter(pk=pair[0], attempt=pair[1]).exists():
                self.observers.tell(pair)

    def _guarded(self, work: Callable[[], object]) -> None:
        """Do it; what goes wrong puts it off to the next sweep, and never ends the thread that does it."""
        try:
            work()
        except Exception as error:
            logger.warning("put off to the next sweep: %s", str(error).strip(), exc_info=_is_news(error))
            connection.close()


def _size() -> dict[str, int]:
    """What this machine gives to jobs."""
    return {"cpus": settings.NODE_CPUS, "memory_mb": settings.NODE_MEMORY_MB, "gpus": settings.NODE_GPUS}


def _is_news(error: Exception) -> bool:
    """A database that is away needs no traceback; anything else does."""
    return not isinstance(error, DatabaseError | InterfaceError)
