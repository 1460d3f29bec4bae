"""One round: the schedule is done to a world, which is healed; everything must end, and the oracle judges.

In safety mode faults go on to the end of the schedule, and what may never happen is judged while they last;
in liveness mode the last one is over at 80 %, and jobs go on coming. Then both heal, wait for every job, and
judge all of it.
"""

import sys
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from typing import Final

import psycopg

from jobs.execution.spool import Spool
from tests.chaos import afterwards, scripts
from tests.chaos.crowd import Crowd
from tests.chaos.harms import Harms
from tests.chaos.injuries import Injury
from tests.chaos.oracle import Record
from tests.chaos.outputs import Outputs
from tests.chaos.resend import Resender
from tests.chaos.schedule import Harm, PlannedFault, PlannedJob, Schedule
from tests.chaos.strangers import Strangers
from tests.chaos.watcher import Watcher
from tests.chaos.witness import Pair, Statement
from tests.chaos.world import World, pause

PATIENCE: Final = 180.0
"""Seconds after the last submission, or the healing, in which some job must end if any is left."""
NOBODY: Final = 60.0
"""Seconds for which a fault waits for somebody whom it can meet."""
NEXT_TRY: Final = 0.5
SLOW_LOOK: Final = 2.0


class Round:
    """Everything that belongs to one."""

    def __init__(
        self,
        world: World,
        schedule: Schedule,
        invariants: Mapping[str, tuple[str, str]],
        *,
        pace: float = 1.0,
        last_act: "Callable[[Round], None]" = lambda _: None,
    ) -> None:
        self._last_act = last_act
        self.world, self.schedule, self._pace = world, schedule, pace
        self.witness = world.directory / "witness"
        self.witness.touch()
        self.injuries: list[Injury] = []
        self.missed: list[PlannedFault] = []
        """Faults that found nobody."""
        self.crowd = Crowd(world.urls, world.token, self._body)
        spools = [node.spool for node in world.nodes.values()]
        self.watcher = Watcher(
            world, self.injuries, invariants, pair_of=lambda token: _pair_of(spools, token)
        )
        self.resender = Resender(world)
        self.harms = Harms(
            world, live=lambda: self.watcher.live, resend=self.resender.resend, cancel=self.crowd.cancel
        )
        self.strangers = Strangers(world.directory.parent)
        self.outputs = Outputs(world, self.crowd.ledger, {job.number: job for job in schedule.jobs})
        self._lasting: list[tuple[float, Injury, ExitStack]] = []
        self._next_try: dict[int, float] = {}
        self._look_due = 0.0
        self._begun = time.monotonic()
        self.meanwhile: dict[str, list[str]] = {}
        """What the oracle found while the faults of safety mode still lasted."""
        self.took = 0.0

    def play(self, say: Callable[[str], object]) -> Record:
        """All of it; what is known afterwards."""
        self.watcher.start()
        self._begun = time.monotonic()
        try:
            self._do_schedule()
            say(f"{len(self.injuries)} faults done, {len(self.missed)} met nobody; waiting for the end")
            self._wait_for_the_end()
            self._wait_until(lambda: all(one.recovered for one in self.injuries), 60)
            self._last_act(self)
        finally:
            self._heal()
            self.watcher.stop()
            self.crowd.close()
            self.resender.close()
            self.strangers.close()
        self.took = self._now()
        return afterwards.collect(self)

    def _do_schedule(self) -> None:
        jobs, faults = [*self.schedule.jobs], [*self.schedule.faults]
        while jobs or faults or self._moment() < self.schedule.length:
            moment = self._moment()
            while jobs and jobs[0].at <= moment:
                self.crowd.submit(jobs.pop(0))
            self._do_due(faults, [fault for fault in faults if fault.at <= moment])
            if not faults and self.schedule.healed_at <= moment < self.schedule.length:
                self._heal()
            self._tend()

    def _do_due(self, faults: list[PlannedFault], due: list[PlannedFault]) -> None:
        now = self._now()
        for fault in due:
            if self._next_try.get(fault.number, 0.0) > now:
                continue
            self._next_try[fault.number] = now + NEXT_TRY
            held = ExitStack()
            injury = self.harms.do(fault, held)
            if injury is None:
                held.close()
                if now > fault.at * self._pace + NOBODY or fault.harm is Harm.DISK_FULL:
                    self.missed.append(fault)
                    faults.remove(fault)
                continue
            faults.remove(fault)
            self._note(injury, held, now + fault.lasts)

    def _note(self, injury: Injury, held: ExitStack, until: float) -> None:
        self._lasting.append((until, injury, held))
        self.injuries.append(injury)
        sys.stderr.write(f"  {injury.harm}: {injury.met}\n")

    def _tend(self) -> None:
        """Look after everybody, and wait a little."""
        pause()
        self.world.tend()
        now = self._now()
        for entry in [entry for entry in self._lasting if entry[0] <= now]:
            self._end(entry)
        if now >= self._look_due:
            self._look_due = now + SLOW_LOOK
            self.strangers.look()
            self.outputs.look(self.watcher.final)

    def _end(self, entry: tuple[float, Injury, ExitStack]) -> None:
        _, injury, held = entry
        held.close()
        injury.ended = time.time()
        self._lasting.remove(entry)

    def _heal(self) -> None:
        """Nothing lasts any more."""
        for entry in [*self._lasting]:
            self._end(entry)
        for node in self.world.nodes.values():
            node.worker.held_until = 0.0

    def _wait_for_the_end(self) -> None:
        """While the last faults of safety mode still last, what may never happen is judged."""
        self._wait_until(self._is_judged_meanwhile, 10.0)
        self._heal()
        ended, silent_since = -1, self._now()
        while not self._all_is_over() and self._now() < silent_since + PATIENCE:
            if len(self.watcher.final) != ended:
                ended, silent_since = len(self.watcher.final), self._now()
            self._tend()

    def _is_judged_meanwhile(self) -> bool:
        """False: the database is away just now."""
        try:
            self.meanwhile = afterwards.judge_safety(self)
        except psycopg.Error:
            return False
        return True

    def _all_is_over(self) -> bool:
        ids = self.crowd.ledger.ids
        return (
            self.crowd.is_idle()
            and len(ids) >= len(self.schedule.jobs)
            and set(ids) <= set(self.watcher.final)
        )

    def _wait_until(self, condition: Callable[[], bool], within: float) -> None:
        deadline = self._now() + within
        while not condition() and self._now() < deadline:
            self._tend()

    def _now(self) -> float:
        """Seconds since the round began."""
        return time.monotonic() - self._begun

    def _moment(self) -> float:
        """Where in the schedule it is now."""
        return self._now() / self._pace

    def _body(self, job: PlannedJob) -> dict[str, object]:
        return scripts.request(job, self.witness, bare_daemons=self.world.has_groups)

    @property
    def testimony(self) -> Statement:
        """What the jobs have told until now."""
        return Statement.read(self.witness)


def _pair_of(spools: Iterable[Spool], token: str) -> Pair | None:
    return next(filter(None, (spool.pair_of(token) for spool in spools)), None)
