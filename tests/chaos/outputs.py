"""The outputs of loud jobs: how large each was, and then away with it, or a long round fills the disk."""

import os
from collections.abc import Mapping

from tests.chaos.crowd import Ledger
from tests.chaos.rows import Row
from tests.chaos.schedule import PlannedJob, Work
from tests.chaos.witness import Pair
from tests.chaos.world import World


class Outputs:
    """Sizes in bytes, by attempt."""

    def __init__(self, world: World, ledger: Ledger, planned: Mapping[int, PlannedJob]) -> None:
        self._world, self._ledger, self._planned = world, ledger, planned
        self.sizes: dict[Pair, int] = {}
        self._done: set[int] = set()

    def look(self, final: Mapping[int, Row]) -> None:
        """Measure and empty those of jobs that have ended since the last look."""
        for job, number in self._ledger.ids.items():
            row = final.get(job)
            if row is None or job in self._done:
                continue
            self._done.add(job)
            if self._planned[number].work is Work.LOUD and row.node:
                self._measure(row)

    def _measure(self, row: Row) -> None:
        file = self._world.nodes[row.node].spool_path / f"{row.id}.{row.attempt}" / "stdout"
        if file.exists():
            self.sizes[row.id, row.attempt] = file.stat().st_size
            os.truncate(file, 0)
