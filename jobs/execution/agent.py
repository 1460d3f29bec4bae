"""The node agent: speaks for its node, records the ends of its jobs, stops them when asked, sweeps.

It lives inside the worker, in threads of its own and never in a pool slot. Killing it disturbs no job:
wrappers supervise the jobs, and the next agent reads what they wrote.
"""

import logging
import threading
from collections.abc import Callable, Iterable

from django.conf import settings
from django.db import DatabaseError, connection

from jobs import fleet, messages
from jobs.ear import Ear
from jobs.execution import launcher
from jobs.execution.broker_ping import BrokerPing
from jobs.execution.hands import Hands, Observers, Pair
from jobs.execution.lease import LeaseKeeper, LeaseLostError
from jobs.execution.settle import running_here, settle_pair
from jobs.execution.signals import sweep_due
from jobs.execution.spool import Spool
from jobs.execution.station import Station
from jobs.execution.watch import Watch
from jobs.models import Job, Node

logger = logging.getLogger("jobs.agent")


class NodeAgent:
    """One per node name. `start` returns once the node's lease is held."""

    def __init__(self, node_name: str, spool: Spool, *, leave: Callable[[str], None]) -> None:
        self.observers = Observers()
        self.hands = Hands(settings.LAUNCH_PATIENCE.total_seconds())
        self.watch = Watch(self._process_ended)
        self.station = Station(node_name, spool, hands=self.hands, watch=self.watch)
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
        for run, name in ((self._beat, "lease"), (self._listen, "ear"), (self._sweep, "sweep")):
            threading.Thread(target=run, name=name, daemon=True).start()
        return True

    def stop(self) -> None:
        """Claim nothing more, let the observers go, end the threads. The jobs go on."""
        self._stopping.set()
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
                node = self._enrol()
                self._lease = LeaseKeeper(
                    node,
                    boot_id=self.station.boot_id,
                    spool_id=self.station.spool.spool_id,
                    lease=settings.NODE_LEASE,
                )
            if self._lease.take():
                return True
            logger.warning(
                "another machine speaks for node %s; waiting for its lease to end", self.station.node_name
            )
        except DatabaseError as error:
            logger.warning("the database does not answer: %s", str(error).strip())
            connection.close()
        return False

    def _enrol(self) -> Node:
        return fleet.enrol(
            self.station.node_name,
            cpus=settings.NODE_CPUS,
            memory_mb=settings.NODE_MEMORY_MB,
            gpus=settings.NODE_GPUS,
        )

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
        except DatabaseError as error:
            logger.warning("the lease was not renewed: %s", str(error).strip())
            connection.close()
        return True

    def _listen(self) -> None:
        """Stop jobs as soon as somebody asks; sweep when somebody asks."""
        verbs = {
            messages.STOP: self._stop_jobs,
            messages.RECOVER: lambda: self._station_sweep(trigger="operator", dry_run=False),
            messages.REHEARSE: lambda: self._station_sweep(trigger="operator", dry_run=True),
        }
        with Ear(settings.LISTEN_DATABASE_URL, messages.AGENT_CHANNEL) as ear:
            while not self._stopping.is_set():
                for payload in ear.wait(1.0) or ():
                    name, _, verb = payload.partition(" ")
                    if name in (self.station.node_name, messages.EVERYBODY) and verb in verbs:
                        self._guarded(verbs[verb])
                self._guarded(self._settle_unsettled)

    def _stop_jobs(self) -> None:
        stopping = Job.objects.stopping().on(self.station.node_name)
        self._each(stopping.values_list("pk", "attempt"), self._settle)

    def _sweep(self) -> None:
        """The agent's own timer: it works with Celery Beat dead."""
        self._guarded(lambda: self._station_sweep(trigger="timer", dry_run=False))
        while not self._stopping.wait(settings.SWEEP_INTERVAL.total_seconds()):
            self._guarded(lambda: self._station_sweep(trigger="timer", dry_run=False))

    def _station_sweep(self, *, trigger: str, dry_run: bool) -> None:
        sweep_due.send(sender=NodeAgent, station=self.station, trigger=trigger, dry_run=dry_run)
        for job in Job.objects.running().on(self.station.node_name):
            self._each([(job.pk, job.attempt)], lambda *_, job=job: self.station.watch_wrapper(job))
        self._tell_of_ends()

    def attend(self, pair: Pair) -> None:
        """A job was launched: wait for its end, or take note of it if it is over by now."""
        job = running_here(self.station, *pair)
        if job is not None and not self.station.watch_wrapper(job):
            self._process_ended(pair)

    def _process_ended(self, pair: Pair) -> None:
        """A wrapper has gone, so its exit.json is there, or never will be."""
        launcher.reap()
        self._unsettled.add(pair)
        self._guarded(self._settle_unsettled)

    def _settle_unsettled(self) -> None:
        noted = tuple(self._unsettled)
        self._unsettled.difference_update(noted)
        try:
            self._each(noted, self._settle)
        except DatabaseError:
            self._unsettled.update(noted)
            raise

    def _settle(self, job_id: int, attempt: int) -> None:
        if settle_pair(job_id, attempt, self.station):
            self.observers.tell((job_id, attempt))

    def _tell_of_ends(self) -> None:
        """Observers of jobs that somebody else has settled."""
        for pair in self.observers.pairs():
            here = Job.objects.live().on(self.station.node_name)
            if not here.filter(pk=pair[0], attempt=pair[1]).exists():
                self.observers.tell(pair)

    def _each(self, pairs: Iterable[Pair], work: Callable[[int, int], object]) -> None:
        """Do it for each of them. One whose files cannot be read does not keep the others from it."""
        for pair in pairs:
            try:
                work(*pair)
            except OSError:
                logger.exception("job=%s attempt=%s: put off to the next sweep", *pair)

    def _guarded(self, work: Callable[[], None]) -> None:
        """Do it; a database that is away only delays it to the next sweep."""
        try:
            work()
        except DatabaseError as error:
            logger.warning("put off to the next sweep: %s", str(error).strip())
            connection.close()
        except OSError:
            logger.exception("put off to the next sweep")


_current: list[NodeAgent] = []


def current() -> NodeAgent:
    """The agent of this worker process."""
    return _current[0]


def running() -> list[NodeAgent]:
    """This process's agent, if it has one."""
    return list(_current)


def set_current(agent: NodeAgent | None) -> None:
    """Make this the process's agent."""
    _current[:] = [] if agent is None else [agent]
