"""Looks again and again while a round goes on: at what must not change, and at what must hold at any moment.

It asks the database directly and the kernel, in a thread of its own. What the product tells in its log or
shows on its pages is not believed here.
"""

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Final

import psycopg

from jobs.execution import processes
from tests.chaos.injuries import Injury
from tests.chaos.rows import Row, Rows
from tests.chaos.schedule import SCALE, Harm
from tests.chaos.witness import Pair
from tests.chaos.world import World

EVERY: Final = 0.4
LATELY: Final = "j.phase <> 'DONE' OR j.ended_at > clock_timestamp() - interval '15 seconds'"
ALL_AGAIN: Final = 5.0
"""Seconds between two looks at every row, and at every invariant of rows."""
NODE_LEASE, SCHEDULER_LEASE = 30 * SCALE, 6 * SCALE
LED: Final = {Harm.POSTGRES, Harm.STOP}
"""After these somebody must lead, too."""


class Watcher(threading.Thread):
    """What it has seen."""

    def __init__(
        self,
        world: World,
        injuries: list[Injury],
        invariants: Mapping[str, tuple[str, str]],
        *,
        pair_of: Callable[[str], Pair | None],
    ) -> None:
        super().__init__(name="watcher", daemon=True)
        self._world, self._injuries, self._invariants, self._pair_of = world, injuries, invariants, pair_of
        self._over = threading.Event()
        self._rows = Rows(world.database_url)
        self.final: dict[int, Row] = {}
        """Each job that has ended, as it was seen first."""
        self.live: list[int] = []
        self.rewrites: list[str] = []
        self.overlaps: set[str] = set()
        self.broken: set[str] = set()
        """Invariants of rows that did not hold at some moment."""
        self.looks = 0
        self.failed: list[str] = []
        """What the watcher itself could not do, but for a database that was away."""
        self._due = 0.0

    def run(self) -> None:
        while not self._over.wait(EVERY):
            try:
                self._look()
            except psycopg.Error as error:
                if isinstance(error, psycopg.ProgrammingError):
                    self.failed.append(repr(error))
            except OSError as error:
                self.failed.append(repr(error))
        self._rows.close()

    def stop(self) -> None:
        """Look no more."""
        self._over.set()
        self.join(30)

    def _look(self) -> None:
        self.looks += 1
        self._see_overlaps()
        self._see_recoveries()
        rows = self._rows.jobs(LATELY)
        self.live = [row.id for row in rows if not row.is_final]
        self.compare(rows)
        if time.monotonic() < self._due:
            return
        self._due = time.monotonic() + ALL_AGAIN
        self.compare_all()
        for name, (_, query) in self._invariants.items():
            self.broken.update(f"{name}: {found}" for found in self._rows.ask(query)[:3])

    def compare_all(self) -> list[Row]:
        """Every row that there is, and that none has gone."""
        rows = self._rows.jobs()
        self.compare(rows)
        gone = set(self.final) - {row.id for row in rows}
        self.rewrites += [f"{self.final[job]} is gone" for job in gone]
        return rows

    def compare(self, rows: list[Row]) -> None:
        """A job that had ended is as it was."""
        for row in rows:
            before = self.final.setdefault(row.id, row) if row.is_final else self.final.get(row.id, row)
            if before != row:
                self.rewrites.append(f"{before} became {row}")

    def _see_overlaps(self) -> None:
        """Two attempts of one job live at one moment: both were seen, and both live still after that."""
        living: defaultdict[int, dict[Pair, list[processes.Identity]]] = defaultdict(dict)
        for token, identity in processes.all_marked():
            pair = self._pair_of(token)
            if pair:
                living[pair[0]].setdefault(pair, []).append(identity)
        for job, attempts in living.items():
            still = [pair for pair, found in attempts.items() if any(map(processes.is_alive, found))]
            if len(attempts) > 1 and len(still) > 1:
                self.overlaps.add(f"job {job}: {sorted(still)}")

    def _see_recoveries(self) -> None:
        for injury in self._injuries:
            if injury.recovered is None and injury.ended is not None and self._is_over(injury, injury.ended):
                injury.recovered = time.time()

    def _is_over(self, injury: Injury, since: float) -> bool:
        if injury.harm is Harm.BEAT:
            return self._world.kept["beat"].container.status == "running"
        if injury.harm in LED and not self._rows.is_led(since, SCHEDULER_LEASE):
            return False
        well = all(self._rows.is_well(name, since, NODE_LEASE) for name in sorted(injury.nodes))
        return well and self._rows.have_ended(sorted(injury.jobs))
