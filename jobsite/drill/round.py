"""One kill under load: some jobs end while the victim is away, some begin, the others end when it is back."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from jobs.models import Job
from jobs.states import Phase
from jobsite.drill.card import Kill
from jobsite.drill.load import LOST, Load, told
from jobsite.drill.pulse import asked
from jobsite.drill.sandbox import Sandbox, SandboxError, cpus_for
from jobsite.drill.victims import Victim
from jobsite.drill.waiting import Waiting
from jobsite.drill.witness import Gate, Witness

BACK: Final = "back"
ENDS: Final = "ends"


@dataclass
class Round:
    """The jobs of one round."""

    sandbox: Sandbox
    load: Load
    witness: Witness
    waiting: Waiting
    directory: Path
    patience: float
    running: list[int] = field(default_factory=list)
    queued: list[int] = field(default_factory=list)

    def play(self, victim: Victim, jobs: int) -> Kill:
        """Have the jobs run, kill, and see what becomes of it. Raises SandboxError when nothing runs."""
        self.directory.mkdir()
        meanwhile, afterwards = Gate(self.directory / "meanwhile"), Gate(self.directory / "afterwards")
        try:
            self._begin(jobs, meanwhile, afterwards)
            return self._strike(victim, meanwhile, afterwards)
        finally:
            meanwhile.close()
            afterwards.close()

    def _begin(self, jobs: int, *gates: Gate) -> None:
        """Three quarters run and wait at the gates, the others find no room."""
        room = cpus_for(jobs)
        for place in range(jobs):
            number = len(self.load.fates)
            if place < room:
                daemon = place % 8 == 7
                job = self.load.submit(number, first=gates[place % 2].wait, leaves_daemon=daemon)
                self.running.append(job)
            else:
                self.queued.append(self.load.submit(number))
        if self.waiting.until(self._run, within=self.patience) is None:
            raise SandboxError(f"The sandbox did not have {room} jobs run within {self.patience:.0f} s.")

    def _run(self) -> bool:
        active = Job.objects.filter(pk__in=self.running, phase=Phase.ACTIVE)
        return asked(active.count) == len(self.running) and set(self.running) <= set(self.witness.starts)

    def _strike(self, victim: Victim, meanwhile: Gate, afterwards: Gate) -> Kill:
        struck = [] if victim.moments else [self.running[0], self.running[1]]
        self.load.fates.update(dict.fromkeys(struck, LOST))
        begun = time.monotonic()
        is_back = victim.strike(self.sandbox, struck)
        meanwhile.open()
        late = [self.load.submit(len(self.load.fates)) for _ in range(2)]
        affected = [*self.running[::2], *self.queued, *late]
        seen = self.waiting.each(
            {ENDS: lambda: self._ended(affected), **({BACK: is_back} if is_back else {})},
            since=begun,
            within=self.patience,
        )
        afterwards.open()
        rest = self.running[1::2]
        in_time = None not in seen.values()
        ended = self.waiting.until(lambda: self._ended(rest), within=self.patience if in_time else 5)
        return Kill(
            name=victim.name,
            title=victim.title,
            seen_by=victim.seen_by,
            jobs=len(affected) + len(rest),
            back=seen.get(BACK),
            ends=seen[ENDS],
            rest=ended is not None,
        )

    def _ended(self, jobs: Sequence[int]) -> bool:
        return len(asked(lambda: told(jobs)) or ()) == len(jobs)
