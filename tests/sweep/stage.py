"""A sandbox platform whose processes fail where they are told to, and all that is seen of it from outside."""

import os
import time
from http.client import HTTPException
from pathlib import Path
from secrets import token_hex
from signal import SIGCONT
from types import TracebackType
from typing import Any, Self

import psycopg

from jobs.execution import processes, procfs
from jobs.execution.spool import Spool
from jobsite.environment import embedded_database_url
from tests.acceptance.fixtures_faults import shorten_grace
from tests.acceptance.witness import Gate, Witness
from tests.client import Answer, Client
from tests.eventually import eventually
from tests.platform import Platform
from tests.sweep.auditor import Auditor, recover

PATIENCE = float(os.environ.get("SWEEP_PATIENCE") or 60)
"""Within so many seconds after a fault everything is at a clean end. `make sweep` asks for 30."""
STARTING = 600.0
SCALE = float(os.environ.get("SWEEP_SCALE") or 0.1)
"""Of the platform's times. A slow machine needs longer ones, or its leases run out all the time."""
LEASE = 30 * SCALE


class Stage:
    """One platform for many cases."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(exist_ok=True)
        self._faults = directory / "faults"
        self._faults.mkdir()
        self.platform = Platform(
            directory / "var",
            JOBSITE_SANDBOX="1",
            JOBSITE_FAULTS=str(self._faults),
            JOBSITE_TIME_SCALE=str(SCALE),
        )
        self.witness = Witness(directory / "witness")
        self._gate = Gate(directory / "gate")

    def __enter__(self) -> Self:
        try:
            self.platform.start().wait_ready(STARTING)
        except BaseException:
            self.platform.end_jobs()
            raise
        shorten_grace(self.platform, 1)
        self._rows: psycopg.Connection[Any] = psycopg.connect(
            embedded_database_url(self.platform.var), autocommit=True
        )
        self.auditor = Auditor(self.platform.environment)
        self.client = Client(self.platform.url, self.platform.cli_token)
        self.spool = Spool.open(self.platform.var / "spool" / "n1")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._rows.close()
        self.auditor.end()
        self._gate.close()
        self.platform.crash()  # it has been judged, and an orderly stop takes longer
        self.platform.end_jobs()

    # --- faults

    def arm(self, point: str, action: str) -> None:
        """The next to come by this point meets this fault."""
        for file in self._faults.glob(f"{point}.taken.*"):  # it has happened, and happens again
            file.unlink()
        wanted = {"delay": f"delay {3 * LEASE}"}
        if action == "kill-worker":
            worker = self.platform.child("worker")
            wanted[action] = f"kill {worker.pid} {worker.ticks}"
        unfinished = self._faults / f".{point}"
        unfinished.write_text(wanted.get(action, action))
        unfinished.rename(self._faults / point)

    def disarm(self) -> None:
        """Nothing is to happen any more; what has happened stays written down."""
        for file in self._faults.iterdir():
            if file.name != "hits":
                file.unlink()

    def hits(self) -> list[tuple[str, int, str]]:
        """Who has come by which point, and what happened there."""
        file = self._faults / "hits"
        lines = file.read_text().splitlines() if file.exists() else []
        told = [line.split(" ", 2) for line in lines]
        return [(name, int(pid), action) for name, pid, action in told]

    def happened(self, point: str) -> int | None:
        """The process that met the fault that is armed now. None: nobody yet."""
        taken = [file.suffix for file in self._faults.glob(f"{point}.taken.*")]
        return int(taken[0].removeprefix(".")) if taken else None

    # --- what a user does, again and again until there is an answer

    def submit(self, script: str, **fields: object) -> int:
        """A job that is accepted, however often it takes to hear so: each time with the same key."""
        body = {"script": self.witness.script(script), "memory": 16, **fields}
        key = token_hex(8)
        answer = self._persistently("POST", "jobs/", body, Idempotency_Key=key, good=(200, 201))
        return int(answer.json["id"])

    def cancel(self, job: int) -> None:
        """Ask for its end until that is taken in; 409: it has ended."""
        self._persistently("POST", f"jobs/{job}/cancel/", good=(200, 409))

    def end_all(self) -> None:
        """Have everything ended that is left of a case that failed."""
        for (job,) in self.ask("SELECT id FROM jobs_job WHERE phase <> 'DONE'"):
            self.cancel(job)
        eventually(lambda: not self.living() and not self.unreleased(), within=PATIENCE)

    def want(self, verb: str) -> None:
        """What an operator wants of the node."""
        self._persistently("POST", f"nodes/n1/{verb}/", {"reason": "a test"}, good=(200,))

    def running(self) -> int:
        """A job that runs until somebody ends it."""
        job = self.submit(self._gate.wait)
        eventually(
            lambda: self.ask("SELECT phase FROM jobs_job WHERE id = %s", job) == [("ACTIVE",)], PATIENCE
        )
        eventually(lambda: self.witness.starts[job] == 1, PATIENCE)
        return job

    @property
    def tells_its_end(self) -> str:
        """The last line of a script that ends well."""
        return f'echo "end $SLURM_JOB_ID" >> {self.witness.path}'

    def ended_well(self, job: int) -> bool:
        """By the job's own word."""
        return f"end {job}" in self.witness.path.read_text().splitlines()

    # --- what there is to see

    def ask(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Of the platform's own rows."""
        return self._rows.execute(query, list(values)).fetchall()

    def fate(self, job: int) -> str:
        """The reason of its end, or the state where that says all. Empty: it has not ended."""
        ((state, reason, phase),) = self.ask("SELECT state, reason, phase FROM jobs_job WHERE id = %s", job)
        if phase != "DONE":
            return ""
        return state if state in ("COMPLETED", "CANCELLED") else f"{reason}"

    def attempt(self, job: int) -> int:
        """The number of its present attempt."""
        ((attempt,),) = self.ask("SELECT attempt FROM jobs_job WHERE id = %s", job)
        return int(attempt)

    def unreleased(self) -> list[tuple[Any, ...]]:
        """What jobs hold."""
        return self.ask("SELECT job_id, attempt FROM jobs_resourceallocation WHERE status <> 'RELEASED'")

    def living(self) -> list[str]:
        """The processes of jobs and wrappers of this platform."""
        ours = f"{self.spool.spool_id}."
        return [f"{token}: {found.pid}" for token, found in processes.all_marked() if token.startswith(ours)]

    def node_speaks(self) -> bool:
        """Its lease is held."""
        return bool(self.ask("SELECT 1 FROM jobs_nodelease WHERE lease_until > clock_timestamp()"))

    def node_is_up(self) -> bool:
        """By its own word."""
        return self.ask("SELECT service FROM jobs_node") == [("UP",)]

    def is_well(self) -> bool:
        """Every part works: a node in service that hears the broker, a leader, a web that answers."""
        query = (
            "SELECT 1 FROM jobs_node JOIN jobs_nodelease ON node_id = jobs_node.id, scheduler_schedulerlease"
            " WHERE service = 'UP' AND wanted = 'UP' AND lease_until > clock_timestamp()"
            " AND broker_ok_at > clock_timestamp() - interval '2 seconds' AND until > clock_timestamp()"
        )
        return bool(self.ask(query)) and self._answer("GET", "jobs/?limit=1") is not None

    def recover_and_look(self, job: int) -> bool:
        """Run the global part of recovery. True: the job has ended."""
        recover(self.platform.environment)
        return bool(self.fate(job))

    def wake(self, pid: int, *, after: float) -> None:
        """A process that stops itself goes on after so many seconds."""
        eventually(lambda: (procfs.stat_of(pid) or ("",))[0] == "T", PATIENCE, what=f"a stopped {pid}")
        stopped = time.monotonic()
        eventually(lambda: time.monotonic() > stopped + after, within=after + PATIENCE, every=0.1)
        os.kill(pid, SIGCONT)

    def told(self, jobs: list[int]) -> list[tuple[Any, ...]]:
        """What their rows say."""
        columns = "id, state, phase, reason, detail, attempt, unstarted"
        return self.ask(f"SELECT {columns} FROM jobs_job WHERE id = ANY(%s)", jobs)  # noqa: S608

    def _persistently(
        self, method: str, path: str, body: object = None, *, good: tuple[int, ...], **headers: str
    ) -> Answer:
        def answer() -> Answer | None:
            found = self._answer(method, path, body, **headers)
            return found if found and found.status in good else None

        found = eventually(answer, within=PATIENCE, every=0.1, what=f"{method} {path}")
        assert found
        return found

    def _answer(self, method: str, path: str, body: object = None, **headers: str) -> Answer | None:
        """None: the web was killed meanwhile."""
        try:
            return self.client.ask(method, path, body, **headers)
        except (OSError, HTTPException):
            return None
