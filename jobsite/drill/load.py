"""Jobs whose ends are known, given to the sandbox through its API, and the list of those that it accepted."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from jobs.cli.config import Config
from jobs.cli.errors import UnreachableError
from jobs.cli.server import Server
from jobs.models import Job
from jobs.states import Reason, State
from jobsite.drill.waiting import Waiting
from jobsite.drill.witness import Witness

MEMORY_MB: Final = 16
LIMIT: Final = "10m"
"""If the drill itself is killed, nobody opens the gates any more: then its jobs end by this."""
_DAEMON_SECONDS: Final = 600


class Fate(NamedTuple):
    """How a job ends, as its row has to tell it."""

    state: str
    reason: str
    exit_code: int | None
    exit_signal: int | None

    def __str__(self) -> str:
        how = [] if self.exit_code is None else [f"exit code {self.exit_code}"]
        how += [] if self.exit_signal is None else [f"signal {self.exit_signal}"]
        return " ".join([self.state, self.reason, *how]).replace("  ", " ")


LOST: Final = Fate(State.FAILED, Reason.SUPERVISOR_LOST, None, None)
"""The end of a job whose wrapper was killed: nobody can know it, and the row must say so."""


class Load:
    """The jobs of one drill."""

    def __init__(self, var: Path, witness: Witness, waiting: Waiting) -> None:
        self.fates: dict[int, Fate] = {}
        """What must be recorded of each job that was accepted."""
        self._server = Server(Config.read({"JOBSITE_VAR": str(var)}))
        self._witness, self._waiting = witness, waiting

    def submit(self, number: int, *, first: str = ":", leaves_daemon: bool = False) -> int:
        """One more job: it tells of its start, does what comes first, and ends as its number says.

        It is asked for until it is accepted, always by the same key, as whoever gets no answer should.
        """
        last, fate = _end(number)
        daemon = f"setsid sleep {_DAEMON_SECONDS} &" if leaves_daemon else ":"
        request = {
            "name": f"drill-{number}",
            "script": self._witness.script("\n".join((first, daemon, last))),
            "memory": MEMORY_MB,
            "time_limit": LIMIT,
        }
        job = self._accepted(request, os.urandom(16).hex())
        self.fates[job] = fate
        return job

    def _accepted(self, request: dict[str, Any], key: str) -> int:
        while True:
            try:
                answer = self._server.ask("POST", "jobs/", request, {"Idempotency-Key": key})
            except UnreachableError:
                self._waiting.pause(0.2)
            else:
                return int(answer.read()["id"])


def _end(number: int) -> tuple[str, Fate]:
    """The last line of a script, and what it comes to."""
    code = number * 37 % 256
    if number % 5 == 3:
        return "kill -KILL $$", Fate(State.FAILED, Reason.RAISED_SIGNAL, None, 9)
    if number % 2 == 0 or code == 0:
        return "exit 0", Fate(State.COMPLETED, Reason.NONE, 0, None)
    return f"exit {code}", Fate(State.FAILED, Reason.NON_ZERO_EXIT_CODE, code, None)


def told(jobs: Sequence[int]) -> dict[int, Fate]:
    """How the rows say that these jobs have ended. One that is not in it has not."""
    ended = Job.objects.filter(pk__in=jobs).exclude(ended_at=None)
    rows = ended.values_list("pk", "state", "reason", "exit_code", "exit_signal")
    return {pk: Fate(state, reason, code, number) for pk, state, reason, code, number in rows}
