"""The actors: threads that are handed control one at a time, and stop where they are told to.

An actor does one task to its end or to where it is suspended. Whoever needs what a suspended one holds cannot
move: a row's lock is refused at once, and at a lock in memory it is suspended too.
"""

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any

from django.db import connection

PATIENCE = 60.0
"""Seconds of real time that one move may take; the machine itself is stuck then."""


class Died(BaseException):
    """The process was killed here. No exception of the product's, so nothing catches it."""


@dataclass(frozen=True)
class Pause:
    """Where an actor is to stop: at the `count`th place of this kind from here."""

    kind: str
    count: int


NAMED = re.compile(r'(?:FROM|INTO|UPDATE) "(\w+)"')
KINDS = ("statement", "write", "commit", "committed", "signal", "fault point")
"""Before any statement, or one that writes; before and after a commit; before a signal; at a fault point."""


@dataclass(eq=False)
class Process:
    """Whatever lives and dies as one: a worker, a scheduler, the web."""

    name: str
    host: Any = None
    agent: Any = None
    leader: Any = None
    silences: Any = None
    sweeping: Any = None
    is_enrolled: bool = False
    leaves: str = ""
    """Why it wants to go."""
    dead: bool = False


@dataclass(eq=False)
class Task:
    """One thing that an actor does in the name of a process."""

    name: str
    process: Process
    act: Callable[[], Any]
    pause: Pause | None
    left: int = 0
    where: str = ""
    answer: Any = None
    error: BaseException | None = None
    backend: int = 0
    in_transaction: bool = False
    suspended_at: float = 0.0
    has_met_trouble: bool = False

    def go_on(self, pause: Pause | None) -> None:
        """To the next place of this kind, or to its end."""
        self.pause, self.left = pause, pause.count if pause else 0


class _Here(threading.local):
    task: Task | None = None
    actor: "Actor | None" = None
    process: Process | None = None


_here = _Here()


def process() -> Process:
    """In whose name this thread acts."""
    assert _here.process is not None, "nobody acts here"
    return _here.process


class acting:  # noqa: N801 - reads as a statement
    """What follows is done by this process, without an actor's thread."""

    def __init__(self, whose: Process) -> None:
        self._whose = whose

    def __enter__(self) -> None:
        self._before, _here.process = _here.process, self._whose

    def __exit__(self, *_: object) -> None:
        _here.process = self._before


def point(kind: str, where: str) -> None:
    """The actor comes by a place at which it may be told to stop."""
    task = _here.task
    if task is None:
        return
    if task.process.dead:
        raise Died
    if task.pause is None or not _is_of(kind, task.pause.kind):
        return
    task.left -= 1
    if task.left <= 0:
        suspend(f"{kind}: {where}")


def suspend(where: str) -> None:
    """Hand control back, and go on when it is given again. Raises what the actor is to meet here."""
    task, actor = _here.task, _here.actor
    assert task is not None
    assert actor is not None
    session = connection.connection
    task.where = where
    task.in_transaction = connection.in_atomic_block
    task.backend = session.info.backend_pid if session is not None else 0
    actor.outbox.put(task)
    order = actor.inbox.get()
    task.where = ""
    if isinstance(order, BaseException):
        if isinstance(order, Died) and connection.connection is not None:
            connection.connection.rollback()  # as the server does when the process is gone
        task.has_met_trouble = True
        raise order
    if task.process.dead:
        raise Died


def _by_statement(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
    verb = sql.split(None, 1)[0].upper()
    if verb not in ("SAVEPOINT", "RELEASE", "ROLLBACK"):
        kind = "write" if verb in ("INSERT", "UPDATE", "DELETE") else "statement"
        point(kind, f"{verb} {next(iter(NAMED.findall(sql)), '')}")
    return execute(sql, *rest)


def _is_of(kind: str, wanted: str) -> bool:
    return kind == wanted or (wanted == "statement" and kind == "write")


class Lock:
    """A lock in memory: whoever finds it taken is suspended until its turn."""

    def __init__(self) -> None:
        self._taken = False

    def __enter__(self) -> None:
        while self._taken:
            suspend("a lock in memory")
        self._taken = True

    def __exit__(self, *_: object) -> None:
        self._taken = False


class Actor:
    """A thread with a connection of its own, for one task after the other."""

    def __init__(self, number: int) -> None:
        self.inbox: SimpleQueue[Any] = SimpleQueue()
        self.outbox: SimpleQueue[Task | None] = SimpleQueue()
        self.task: Task | None = None
        self._thread = threading.Thread(target=self._run, name=f"actor-{number}", daemon=True)
        self._thread.start()

    def move(self, order: Any) -> bool:
        """Hand control over, and wait until it comes back. True: the task is done."""
        self.inbox.put(order)
        if self.outbox.get(timeout=PATIENCE) is None:
            self.task = None
        return self.task is None

    def end(self) -> None:
        """No more tasks."""
        self.inbox.put(None)
        self._thread.join(PATIENCE)

    def _run(self) -> None:
        _here.actor = self
        connection.execute_wrappers.append(_by_statement)
        while (task := self.inbox.get()) is not None:
            connection.close_if_unusable_or_obsolete()  # whoever was here before may have lost it
            _here.task, _here.process = task, task.process
            try:
                task.answer = task.act()
            except BaseException as error:  # noqa: BLE001 - the stage tells what is to be made of it
                task.error = error
            finally:
                _here.task = _here.process = None
            self.outbox.put(None)
        connection.close()


class Stage:
    """All actors, and which of them are suspended in the middle of something."""

    def __init__(self, size: int) -> None:
        self._actors = [Actor(number) for number in range(size)]

    @property
    def suspended(self) -> list[Task]:
        """Those that can be told to go on, in the order of their actors."""
        return [actor.task for actor in self._actors if actor.task is not None]

    @property
    def is_full(self) -> bool:
        """Nobody is idle: some wait for what others have."""
        return len(self.suspended) == len(self._actors)

    def begin(self, task: Task) -> bool:
        """Have an idle actor do this. True: it is done; False: it is suspended."""
        actor = next(actor for actor in self._actors if actor.task is None)
        actor.task = task
        return actor.move(task)

    def go_on(self, task: Task, pause: Pause | None = None, meets: BaseException | None = None) -> bool:
        """Have a suspended actor go on, or meet this error where it is. True: it is done."""
        task.go_on(pause)
        return self._of(task).move(meets)

    def kill(self, process: Process) -> None:
        """Kill a process: all that it was doing ends where it was."""
        process.dead = True
        for task in self.suspended:
            if task.process is process:
                self._of(task).move(Died())

    def close(self) -> None:
        """End every thread."""
        for actor in self._actors:
            actor.end()

    def _of(self, task: Task) -> Actor:
        return next(actor for actor in self._actors if actor.task is task)
