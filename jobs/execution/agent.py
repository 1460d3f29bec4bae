"""The node agent: speaks for its node, records the ends of its jobs, stops them when asked, sweeps.

It lives inside the worker, in threads of its own and never in a pool slot. Killing it disturbs no job:
wrappers supervise the jobs, and the next agent reads what they wrote.
"""

import logging
import threading
import time
from collections.abc import Callable
from functools import partial

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection

from jobs import fleet, messages
from jobs.ear import Ear
from jobs.execution import deafness
from jobs.execution.archive import Archive
from jobs.execution.broker_ping import BrokerPing
from jobs.execution.containment import Containment
from jobs.execution.deafness import Deafness
from jobs.execution.ends import Ends
from jobs.execution.guarded import guarded, is_news
from jobs.execution.hands import Hands, Observers
from jobs.execution.health import Health
from jobs.execution.lease import LeaseKeeper, LeaseLostError
from jobs.execution.output_desk import OutputDesk
from jobs.execution.past_numbers import PastNumbers
from jobs.execution.reconciliation import Reconciliation
from jobs.execution.renewals import Renewals
from jobs.execution.set_aside import SetAside
from jobs.execution.signals import sweep_due
from jobs.execution.spool import Spool
from jobs.execution.station import Station
from jobs.execution.strays import Strays
from jobs.execution.sweeps import TIMER, Sweeps, Wish
from jobs.execution.watch import Watch
from jobs.models import Job

logger = logging.getLogger("jobs.agent")


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
        self.watch = Watch(lambda pairs: self.ends.note(*pairs))
        self.station = Station(node_name, spool, hands=self.hands, watch=self.watch, containment=containment)
        self.ends = Ends(self.station, self.observers)
        self._strays = Strays(self.station)
        self._reconciliation = Reconciliation(self.station, self._strays)
        self._archive = Archive(self.station)
        self._set_aside = SetAside(self.station)
        self._health = Health(self.station, self._strays)
        self.sweeps = Sweeps(self._sweep, settings.SWEEP_INTERVAL)
        self._leave = leave
        self._stopping = threading.Event()
        self._ping = BrokerPing(settings.HEARTBEAT, messages.node_queue(node_name).name)
        self._desk = OutputDesk(node_name, spool)
        self.deafness = Deafness(
            node_name,
            waiting=self._ping.waiting,
            patience=settings.DEAF_PATIENCE,
            step=2 * settings.SWEEP_INTERVAL,
        )
        self._lease: LeaseKeeper | None = None
        self.past_numbers = PastNumbers(spool)

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
        self._desk.start()
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
        self._desk.stop()

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
                    renewals=Renewals(self.station),
                )
            if self._lease.take():
                self.past_numbers.recall()
                fleet.resize(self.station.node_name, **_size())
                fleet.tell_enforcement(self.station.node_name, self.station.containment.table())
                return True
            logger.warning(
                "another machine speaks for node %s; waiting for its lease to end", self.station.node_name
            )
        except (DatabaseError, InterfaceError, OSError) as error:
            logger.warning("the lease cannot be taken yet: %s", str(error).strip())
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
                guarded(messages.wake_scheduler)
            heard = hears
            self._ping.changed.wait(settings.HEARTBEAT.total_seconds())
            self._ping.changed.clear()

    def _renew(self, *, hears_broker: bool) -> bool:
        """False: this agent must go. A database that is away costs the renewal, not the agent."""
        try:
            if not self.station.spool.is_intact():
                self._leave("its spool is gone")
                return False
            if self.lease.renew(hears_broker=hears_broker):
                self.sweeps.ask(TIMER)  # what others run again must end here at once
            guarded(self.past_numbers.repeat)
        except LeaseLostError:
            self._leave(f"another agent speaks for node {self.station.node_name} now")
            return False
        except Exception as error:  # whatever it is, an agent that renews no more lets its node die
            logger.warning("the lease was not renewed: %s", str(error).strip(), exc_info=is_news(error))
            connection.close()
        return True

    def _listen(self) -> None:
        """Stop jobs as soon as somebody asks; never sweep here, or a cancel would wait behind the sweep."""
        with Ear(settings.LISTEN_DATABASE_URL, messages.AGENT_CHANNEL) as ear:
            while not self._stopping.is_set():
                for verb in self._heard(ear):
                    guarded(partial(self._obey, verb))
                guarded(self.ends.settle_noted)

    def _obey(self, verb: str) -> None:
        match verb:
            case messages.STOP:
                self.ends.stop_jobs()
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

    def _sweep(self, wish: Wish) -> None:
        guarded(partial(self._station_sweep, wish))

    def _station_sweep(self, wish: Wish) -> None:
        sweep_due.send(sender=NodeAgent, station=self.station, trigger=wish.trigger, dry_run=wish.dry_run)
        watch = self.station.watch_wrapper if wish.dry_run else self.ends.watch
        for job in Job.objects.running().on(self.station.node_name):
            guarded(partial(watch, job))
        if not wish.dry_run:
            guarded(self._strays.sweep)
            guarded(self._reconciliation.look)
            guarded(self._health.look)
            guarded(self._archive.sweep)
            guarded(self._set_aside.sweep)
            guarded(self._leave_if_deaf)
        self.ends.tell_observers()

    def _leave_if_deaf(self) -> None:
        if self.deafness.look(time.monotonic()):
            self._leave(deafness.WHY)


def _size() -> dict[str, int]:
    """What this machine gives to jobs."""
    return {"cpus": settings.NODE_CPUS, "memory_mb": settings.NODE_MEMORY_MB, "gpus": settings.NODE_GPUS}
