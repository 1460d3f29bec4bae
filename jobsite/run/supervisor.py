"""Starts the children, starts them again when they die, and stops them in order within a few seconds.

One thread, one loop: it wakes on a signal, on a child's end, or after a short while. Only this thread starts
children, because a child's life is tied to the thread that started it.
"""

import signal
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from jobsite.embedded.error import ServerError
from jobsite.run.child import Child, rotate
from jobsite.run.console import Console
from jobsite.run.processes import STOP_ORDER, Stage
from jobsite.run.record import Record
from jobsite.run.wakeup import Wakeup

FIRST_DELAY: Final = 0.2
LONGEST_DELAY: Final = 10.0
STEADY_AFTER: Final = 20.0
"""A child that lived this long has not failed at its start: its next death is a first one again."""
LOGS_EVERY: Final = 10.0
"""How often the size of each log is looked at."""

PATIENCE: Final = {Stage.FRONT: 3.3, Stage.SERVERS: 1.0}
"""How long the children of one stage may take to stop."""
ALTOGETHER: Final = 4.3
"""What is done between the stages takes its time from the last, so that a stop is under 5 s, our own end
included, on a busy machine too.
"""


@dataclass(slots=True, kw_only=True)
class Charge:
    """One process in the supervisor's charge."""

    name: str
    address: str
    stage: Stage
    stop_signal: signal.Signals
    command: Callable[[], tuple[Iterable[str], Mapping[str, str]]]
    """Prepare the start and say what to start: arguments and environment."""
    begin: Callable[[], Callable[[Child], bool]]
    """Called before each start; answers the question that says when the child is ready."""
    child: Child | None = None
    is_ready: Callable[[Child], bool] | None = None
    deaths: int = 0
    due: float = 0.0
    announced: bool = False


class Supervisor:
    """The charges, and the loop that looks after them."""

    def __init__(
        self, *, logs: Path, directory: Path, console: Console, record: Record, wakeup: Wakeup
    ) -> None:
        self._logs, self._directory = logs, directory
        self._console, self._record, self._wakeup = console, record, wakeup
        self._charges: dict[str, Charge] = {}
        self._logs_due = self._stopping_since = 0.0

    def take(self, charges: Iterable[Charge]) -> None:
        """Take more processes in charge and start them, all at once."""
        for charge in charges:
            self._charges[charge.name] = charge
            self._start(charge)

    def run_until_ready(self) -> bool:
        """Look after the charges until all are ready. False: we were asked to stop before."""
        while not self._wakeup.stop_requested:
            self._look()
            if self._all_announced():
                return True
            self._wakeup.wait(0.03)
        return False

    def run(self) -> None:
        """Look after the charges until we are asked to stop."""
        while not self._wakeup.stop_requested:
            self._look()
            self._wakeup.wait(0.5 if self._all_announced() else 0.05)

    def stop(self, stage: Stage) -> None:
        """Stop every child of one stage, in order, and by force those that do not end in time."""
        self._stopping_since = self._stopping_since or time.monotonic()
        order = [name for name in STOP_ORDER if name in self._charges]
        charges = [self._charges[name] for name in order if self._charges[name].stage == stage]
        children = [(charge, charge.child) for charge in charges if charge.child]
        for charge, child in children:
            child.send(charge.stop_signal)
        deadline = min(time.monotonic() + PATIENCE[stage], self._stopping_since + ALTOGETHER)
        for charge, child in children:
            if not self._ended(child, deadline):
                child.kill_group()
                self._console.line(f"  ! {charge.name} did not stop in time and was killed.")
        for charge in charges:
            del self._charges[charge.name]

    def child(self, name: str) -> Child | None:
        """The child of one charge, while it has one."""
        return self._charges[name].child

    def _all_announced(self) -> bool:
        return all(charge.announced for charge in self._charges.values())

    def _ended(self, child: Child, deadline: float) -> bool:
        """Wait for one child's end; a second Ctrl-C ends the patience."""
        while not child.wait(0.02):
            if time.monotonic() > deadline or self._wakeup.hurry_requested:
                return False
        return True

    def _look(self) -> None:
        self._rotate_logs_when_due()
        for charge in self._charges.values():
            if charge.child is None:
                self._start_when_due(charge)
            elif charge.child.exit_code is not None:
                self._bury(charge, charge.child.exit_code)
            elif not charge.announced and _is_ready(charge):
                charge.announced = True
                self._console.ready(charge.name, charge.address, charge.child.age)

    def _rotate_logs_when_due(self) -> None:
        if time.monotonic() < self._logs_due:
            return
        self._logs_due = time.monotonic() + LOGS_EVERY
        for name in self._charges:
            with suppress(OSError):  # a full disk has no room for the copy, and none for a larger log either
                rotate(self._log(name))

    def _start_when_due(self, charge: Charge) -> None:
        if time.monotonic() < charge.due:
            return
        try:
            self._start(charge)
        except (ServerError, OSError) as error:  # a full disk, or no process to be had: that may pass
            self._console.not_started(charge.name, error, LONGEST_DELAY)
            charge.due = time.monotonic() + LONGEST_DELAY

    def _start(self, charge: Charge) -> None:
        with self._wakeup.interrupting():  # the first start of a database takes seconds
            arguments, environment = charge.command()
        charge.is_ready, charge.announced = charge.begin(), False
        charge.child = Child(
            list(arguments),
            environment=environment,
            log=self._log(charge.name),
            directory=self._directory,
        )
        self._write_down(charge.name, charge.child)

    def _write_down(self, name: str, child: Child) -> None:
        """A child that is not in the record ends with us all the same, by its parent-death signal."""
        try:
            self._record.add(name, child.pid)
        except OSError as error:
            self._console.line(f"  ! {name} runs, but could not be written down: {error}")

    def _bury(self, charge: Charge, exit_code: int) -> None:
        lived = charge.child.age if charge.child else 0.0
        charge.deaths = 1 if lived > STEADY_AFTER else charge.deaths + 1
        delay = min(FIRST_DELAY * 2 ** (charge.deaths - 1), LONGEST_DELAY)
        charge.child, charge.announced, charge.due = None, False, time.monotonic() + delay
        self._console.died(charge.name, exit_code, delay, self._log(charge.name))

    def _log(self, name: str) -> Path:
        return self._logs / f"{name}.log"


def _is_ready(charge: Charge) -> bool:
    """What cannot be asked at the moment is not ready yet."""
    try:
        return bool(charge.child and charge.is_ready and charge.is_ready(charge.child))
    except OSError:
        return False
