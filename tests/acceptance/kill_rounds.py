"""One round of kill -9: jobs run, somebody is killed, and the end of each job must be told as it was.

Half of the jobs end while whoever was killed is away, the others when it is back. A victim says whom it kills
and how it is seen to be back; what has to be true afterwards is the same for all of them.
"""

import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from jobs.execution import processes
from jobs.execution.records import Ticket
from jobs.execution.spool import Spool
from tests.acceptance import promise
from tests.acceptance.job_rows import JobRows
from tests.acceptance.witness import Gate, Witness
from tests.client import Client
from tests.eventually import eventually
from tests.platform import Platform

PATIENCE = 120.0
"""For what is no promise of a round, on a machine that does other things too."""

Fate = tuple[int | None, str]
LOST: Fate = (None, "SupervisorLost")


class Round:
    """The jobs of one round, and what is true of each of them."""

    def __init__(self, platform: Platform, client: Client, directory: Path) -> None:
        directory.mkdir()
        self.platform = platform
        self.fates: dict[int, Fate] = {}
        self.over: dict[int, float] = {}
        """When each job's end could first be known, by the clock of this machine."""
        self._client = client
        self._spool = Spool.open(platform.var / "spool" / "n1")
        self.rows = JobRows(platform.var)
        self._witness = Witness(directory / "witness")
        self._meanwhile, self._afterwards = Gate(directory / "meanwhile"), Gate(directory / "afterwards")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._meanwhile.close()
        self._afterwards.close()
        self.rows.__exit__(kind, error, trace)

    @property
    def jobs(self) -> list[int]:
        """Their numbers, in the order of their submission. The first, the third and so on end meanwhile."""
        return list(self.fates)

    @property
    def struck(self) -> list[int]:
        """Every fifth of them, so that some of both halves are, for a victim that belongs to single jobs."""
        return self.jobs[::5]

    def begin(self, number: int) -> None:
        """Have so many more jobs run, each with an exit code of its own."""
        for place in range(number):
            code = place * 37 % 256
            gate = (self._meanwhile, self._afterwards)[place % 2]
            job = self._client.submit(self._witness.script(f"{gate.wait}\nexit {code}"), memory=1)
            self.fates[job] = (code, "NonZeroExitCode" if code else "")
        self._until("ACTIVE", self.jobs)
        eventually(partial(self._witness.saw_starts, len(self.jobs)), within=PATIENCE)

    def tickets(self, *jobs: int) -> list[Ticket]:
        """Wrapper and process of each of these."""
        attempts = dict(self.rows.of(jobs, "id", "attempt"))
        found = [self._spool.attempt(job, attempts[job]).ticket() for job in jobs]
        return [ticket for ticket in found if ticket]

    def end(self, back: Callable[[], float]) -> None:
        """Let half of them end now, and the others once whoever was killed is back."""
        begun = time.time()
        self._meanwhile.open()
        self._note(self.jobs[::2], max(begun, back()))
        self._until("DONE", self.jobs[::2])
        waiting = [job for job in self.jobs[1::2] if job not in self.over]
        assert self.rows.all_in("ACTIVE", waiting)
        self._note(waiting, time.time())
        self._afterwards.open()
        self._until("DONE", self.jobs)

    def judge(self) -> list[float]:
        """Every end is true, nothing ran twice, nothing is left; how long each end took to be recorded."""
        told = self.rows.of(self.jobs, "id", "exit_code", "reason", "attempt")
        assert {job: (code, reason) for job, code, reason, _ in told} == self.fates
        assert {attempt for *_, attempt in told} == {1}
        assert self._witness.saw_each_start_once(*self.jobs)
        eventually(lambda: self._living() == [], what="the end of every process of these jobs")
        assert self.rows.unreleased(self.jobs) == []
        promise.is_kept(self.platform.environment)
        return [at - self.over[job] for job, at in self.rows.recorded(self.jobs).items()]

    def _note(self, jobs: Sequence[int], moment: float) -> None:
        for job in jobs:
            self.over.setdefault(job, moment)

    def _until(self, phase: str, jobs: Sequence[int]) -> None:
        eventually(partial(self.rows.all_in, phase, jobs), within=PATIENCE, every=0.1, what=self._told)

    def _living(self) -> list[str]:
        ours = f"{self._spool.spool_id}."
        return [f"{token}: {found.pid}" for token, found in processes.all_marked() if token.startswith(ours)]

    def _told(self) -> str:
        """What there is to see when they do not get there."""
        return f"{self.rows.of(self.jobs, 'id', 'phase', 'reason', 'detail')}{self.platform.logs()}"
