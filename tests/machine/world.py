"""The platform in the machine: two hosts, two schedulers, one database; and how anybody makes a move."""

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from celery.exceptions import Ignore
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection
from hypothesis import note

from jobs.errors import InvalidSpec
from jobs.execution.agent import NodeAgent
from jobs.execution.hands import Observers, Pair
from jobs.execution.runner import JobEndedBadly
from jobs.execution.spool import Spool
from jobs.messages import BrokerUnreachableError
from recovery.lost_nodes import Silences
from scheduler.leader import DeposedError, Leader
from tests.machine.broker import Broker
from tests.machine.clock import Clock
from tests.machine.host import Entry, Host
from tests.machine.product import Complaints, Wrappers, is_expected
from tests.machine.stage import Died, Lock, Pause, Process, Stage, Task, acting
from tests.machine.wrapper import Wrapper

EMPTY: Final = """
    DELETE FROM recovery_recoveryaction; DELETE FROM recovery_recoveryrun; DELETE FROM jobs_jobevent;
    DELETE FROM jobs_allocatedgpu; DELETE FROM jobs_resourceallocation; DELETE FROM jobs_job;
    DELETE FROM jobs_nodeevent; DELETE FROM jobs_partition_nodes; DELETE FROM jobs_nodelease;
    DELETE FROM jobs_node; UPDATE jobs_partition SET grace = '2 seconds', max_pending = NULL, state = 'UP';
    UPDATE scheduler_schedulerlease SET holder = '', term = 0, until = '2000-01-01'
"""
ANSWERS: Final = (Died, Ignore, JobEndedBadly, DeposedError, BrokerUnreachableError, InvalidSpec)
"""What an act may end with when nothing is wrong."""
ACTORS: Final = 6
STOPPED: Final = 2
"""So many may be suspended while others move; whoever needs what they hold in memory waits besides."""


class _Passing(Observers):
    """Nobody waits in the machine: a worker's thread is done once the job is launched."""

    @contextmanager
    def watching(self, pair: Pair) -> Iterator[threading.Event]:
        """As if the end had come at once."""
        with super().watching(pair) as ended:
            ended.set()
            yield ended


class World:
    """All of it. Emptied before each story, kept for all of them."""

    def __init__(self, directory: Path, clock: Clock, broker: Broker, wrappers: Wrappers) -> None:
        self.clock, self.broker, self.wrappers = clock, broker, wrappers
        self.stage = Stage(ACTORS)
        self.hosts: list[Host] = []
        self.schedulers: list[Process] = []
        self.is_changed = True
        self.complaints = Complaints()
        self._directory = directory
        self._stories = 0

    def begin(self) -> None:
        """Another story: empty tables, empty spools, and everything runs."""
        with connection.cursor() as cursor:
            cursor.execute(EMPTY)
        self._stories += 1
        if self._stories % 20 == 0:
            self._vacuum()
        self.clock.reset()
        self.broker.__init__()  # type: ignore[misc]
        self.wrappers.clear()
        self.complaints.reset()
        shutil.rmtree(self._directory, ignore_errors=True)
        self.hosts = [Host(name, self._directory / name, self.clock) for name in ("n1", "n2")]
        self.schedulers = [self._scheduler(name) for name in ("scheduler A", "scheduler B")]
        self.web = Process("web")
        self.beat = self._worker("worker for beat", None)
        self.is_changed = True
        for host in self.hosts:
            self.start_worker(host)
            self.renew(host)

    def end(self) -> None:
        """Nobody is suspended any more."""
        for task in self.stage.suspended:
            self.stage.kill(task.process)
        for wrapper in self.wrappers:
            wrapper.close()

    def close(self) -> None:
        """End the threads."""
        self.stage.close()

    def perform(self, name: str, process: Process, act: Callable[[], Any], pause: Pause | None = None) -> Any:
        """Have somebody do something, and answer what came of it. None: it is suspended, or was refused."""
        if self.stage.is_full:
            return None
        task = Task(name, process, act, None)
        task.go_on(pause if len(self.stage.suspended) < STOPPED else None)
        return self._after(task, is_done=self.stage.begin(task))

    def resume(self, task: Task, pause: Pause | None, meets: BaseException | None = None) -> None:
        """Have somebody who is suspended go on."""
        self._after(task, is_done=self.stage.go_on(task, pause, meets))

    def kill(self, process: Process) -> None:
        """A process is killed; what it was doing is done no further."""
        self.stage.kill(process)
        self.is_changed = True
        host = process.host
        if host is not None and host.worker is process:
            host.worker = None

    def start_worker(self, host: Host) -> None:
        """A worker process, with its agent in it. It speaks for its node once it has the lease."""
        worker = host.worker = self._worker(f"worker of {host.name}", host)
        with acting(worker):
            worker.agent = agent = NodeAgent(
                host.name, Spool.open(host.spool_path), leave=lambda why: setattr(worker, "leaves", why)
            )
        agent.observers = _Passing()
        agent.ends._observers = agent.observers
        agent.station._watch = None  # nobody is woken by a descriptor here: ends are noticed at a sweep
        agent.watch._poll.close()
        os.close(agent.watch._wake)

    def renew(self, host: Host, pause: Pause | None = None) -> None:
        """The agent's beat: it takes its lease, or renews it."""
        worker = host.worker
        agent: NodeAgent = worker.agent

        def act() -> None:
            if worker.is_enrolled:
                agent._renew(hears_broker=not (host.is_deaf or self.broker.is_away))
            else:
                worker.is_enrolled = agent._take_lease()

        self.perform(f"beat of {host.name}", worker, act, pause)

    def replace_scheduler(self, process: Process) -> None:
        """It is started again."""
        self.schedulers[self.schedulers.index(process)] = self._scheduler(process.name)

    def replace_beat(self) -> None:
        """The worker that does Beat's part is started again, and has seen nothing yet."""
        self.beat = self._worker("worker for beat", None)

    def is_doing(self, name: str) -> bool:
        """Somebody is suspended in the middle of this."""
        return any(task.name == name for task in self.stage.suspended)

    def entries(self) -> Iterator[tuple[Host, Entry]]:
        """Every process of every host."""
        return ((host, entry) for host in self.hosts for entry in list(host.table.values()))

    def living(self) -> list[Wrapper]:
        """Wrappers that can do something."""
        return [wrapper for wrapper in self.wrappers if wrapper.lives]

    def running(self) -> list[Wrapper]:
        """Those whose jobs run, whether they live or not."""
        return [wrapper for wrapper in self.wrappers if wrapper.job_runs]

    def reboot(self, host: Host) -> None:
        """The machine is restarted; nothing of it lives."""
        if host.worker is not None:
            self.kill(host.worker)
        host.reboot()

    def pass_time(self, seconds: float) -> None:
        """Wrappers look at their clocks meanwhile; who has slept in a transaction for too long loses it."""
        while seconds > 0:
            step = min(seconds, 1.0)
            self.clock.go_on(step)
            seconds -= step
            for wrapper in self.wrappers:
                wrapper.look()
        for task in self.stage.suspended:
            if task.in_transaction and self.clock.seconds - task.suspended_at > _idle_patience():
                self.terminate(task)

    def terminate(self, task: Task) -> None:
        """The database ends the session of somebody who is suspended."""
        self.complaints.sessions_are_lost = True
        if task.backend:
            task.has_met_trouble = True
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_terminate_backend(%s, 1000)", [task.backend])

    def _after(self, task: Task, *, is_done: bool) -> Any:
        self.is_changed = True
        task.suspended_at = self.clock.seconds
        came_to = f"{task.error or task.answer or ''}" if is_done else f"suspended at {task.where}"
        note(
            "\n".join([f"    {task.name}: {came_to}", *(f"        {line}" for line in self.complaints.told)])
        )
        self.complaints.told.clear()
        if not is_done:
            return None
        if task.process.leaves and not task.process.dead:
            self.kill(task.process)
        error = task.error
        caused = task.has_met_trouble and isinstance(error, DatabaseError | InterfaceError)
        caused |= isinstance(error, OSError) and self.complaints.files_are_lost
        if error is not None and not (caused or isinstance(error, ANSWERS) or is_expected(error)):
            raise error
        return task.answer

    def _worker(self, name: str, host: Host | None) -> Process:
        return Process(name, host=host, silences=Silences(self.clock.monotonic), sweeping=Lock())

    def _scheduler(self, name: str) -> Process:
        return Process(name, leader=Leader(name, settings.SCHEDULER_LEASE))

    def _vacuum(self) -> None:
        with connection.cursor() as cursor:
            for table in ("jobs_jobevent", "jobs_job", "jobs_resourceallocation", "jobs_node"):
                cursor.execute(f"VACUUM {table}")


def _idle_patience() -> float:
    return float(settings.IDLE_PATIENCE.total_seconds())
