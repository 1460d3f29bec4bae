"""Rounds in which a node is cut off, or suspended, while others settle its jobs; then it comes back.

A platform with n1, and beside it n2 and n3, which alone make the partition `far`. Everything happens to n2.
"""

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from signal import SIGCONT, SIGSTOP, Signals
from types import TracebackType
from typing import Any, Self

import psycopg

from jobs.execution import processes, procfs
from jobs.execution.spool import Spool
from jobsite.environment import embedded_database_url
from tests.acceptance import promise
from tests.acceptance.fixtures_faults import Beside, tell
from tests.client import Client
from tests.eventually import eventually
from tests.platform import Platform

PATIENCE = 120.0
FAR = """
from datetime import timedelta
from jobs.models import Node, Partition
far = Partition.objects.create(name="far", grace=timedelta(seconds=1))
far.nodes.set(Node.objects.filter(name__in=["n2", "n3"]))
Partition.objects.get(is_default=True).nodes.set(Node.objects.filter(name="n1"))
"""


class Machines:
    """The nodes n2 and n3 of a platform, with workers, spools and names of their own."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.workers = {name: Beside(platform, "worker", JOBSITE_NODE_NAME=name) for name in ("n2", "n3")}
        self._rows: psycopg.Connection[Any] = psycopg.connect(
            embedded_database_url(platform.var), autocommit=True
        )

    def __enter__(self) -> Self:
        eventually(partial(self._all_speak, 3), within=PATIENCE, what=self.platform.logs)
        tell(self.platform, FAR)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._rows.close()
        for worker in self.workers.values():
            worker.end()

    def ask(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Of the platform's own rows."""
        return self._rows.execute(query, list(values)).fetchall()

    def want(self, **services: str) -> None:
        """What an operator wants of each node."""
        for name, service in services.items():
            self._rows.execute(
                "UPDATE jobs_node SET wanted = %s, wanted_by = 'op' WHERE name = %s", [service, name]
            )

    def service(self, name: str) -> str:
        """Whether the platform itself has the node in service."""
        ((service,),) = self.ask("SELECT service FROM jobs_node WHERE name = %s", name)
        return str(service)

    def spool(self, name: str) -> Spool:
        """Where this node keeps its jobs."""
        return Spool.open(self.platform.var / "spool" / name)

    def tree(self, name: str) -> list[int]:
        """Every process of this node, its worker last."""
        worker = self.workers[name].pid
        spool = self.spool(name)
        jobs = [found.pid for token, found in processes.all_marked() if spool.pair_of(token)]
        return [*jobs, *(pid for pid, _ in procfs.descendants(worker) if pid not in jobs), worker]

    @contextmanager
    def cut_off(self, name: str) -> Iterator[None]:
        """Its agent reaches nobody; wrappers and jobs go on."""
        with _stopped([self.workers[name].pid]):
            yield

    @contextmanager
    def suspended(self, name: str, *, agent_first: bool) -> Iterator[None]:
        """All of it stands still. The jobs wake up first and their agent last, or the other way round."""
        tree = self.tree(name)
        with _stopped(tree[::-1] if agent_first else tree):
            yield

    def _all_speak(self, number: int) -> bool:
        return self.ask("SELECT count(*) FROM jobs_nodelease WHERE lease_until > clock_timestamp()") == [
            (number,)
        ]


@contextmanager
def _stopped(pids: list[int]) -> Iterator[None]:
    try:
        for pid in reversed(pids):
            _send(pid, SIGSTOP)
        yield
    finally:
        for pid in pids:
            _send(pid, SIGCONT)


def _send(pid: int, number: Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


class Round:
    """The jobs of one round, and what is true of each of them."""

    def __init__(self, machines: Machines, client: Client, directory: Path) -> None:
        directory.mkdir()
        self.agent_first = bool(int(directory.name.rpartition("-")[2]) % 2)
        """Who wakes up first on a suspended node: it alternates from round to round."""
        self.machines = machines
        self._client = client
        self._directory = directory
        self._lines = directory / "lines"
        self._lines.touch()
        self._done = directory / "done"
        self.jobs: list[int] = []
        machines.want(n2="UP", n3="DRAIN")
        eventually(self._n2_takes_jobs, within=PATIENCE, what="n2 in service")

    def begin(self, **fields: object) -> int:
        """A job that runs on n2 and tells so twenty times a second, until the round lets it end."""
        tells = f'echo "$SLURM_JOB_ID $JOBSITE_ATTEMPT" >> {self._lines}'
        ends = f'[ -e {self._done} ] || [ -e "{self._done}.$SLURM_JOB_ID" ]'
        loop = f"while :; do {tells}; {{ {ends}; }} && exit 0; sleep 0.05; done"
        starts = f'echo "start $SLURM_JOB_ID $JOBSITE_ATTEMPT" >> {self._lines}'
        job = self._client.submit(f"{starts}\n{loop}", partition="far", **fields)
        self.jobs.append(job)
        self.until(job, "ACTIVE", attempt=1)
        eventually(lambda: (job, 1) in self._starts(), within=PATIENCE)
        return job

    def let_end_alone(self, job: int) -> None:
        """Its script ends well, and its wrapper says so in the spool; the others go on."""
        (self._directory / f"done.{job}").touch()
        eventually(self.machines.spool("n2").attempt(job, 1).outcome, within=PATIENCE)

    def finish(self) -> None:
        """Let all end that still run."""
        self._done.touch()

    def until(self, job: int, phase: str, *, attempt: int, reason: str = "") -> None:
        """Wait until its row says so."""
        query = "SELECT phase, attempt, reason FROM jobs_job WHERE id = %s"
        eventually(
            lambda: self.machines.ask(query, job) == [(phase, attempt, reason)],
            within=PATIENCE,
            what=lambda: f"{phase} of {self.machines.ask(query, job)}{self.machines.platform.logs()}",
        )

    def until_back(self) -> None:
        """Wait until n2 has accounted for every process there, and takes jobs again."""
        eventually(lambda: self.machines.service("n2") == "UP", within=PATIENCE, what="n2 UP")

    def is_over(self, job: int, attempt: int) -> bool:
        """No process of this run on n2 lives."""
        return processes.marked(self.machines.spool("n2").attempt(job, attempt).token) == []

    def late_results(self, job: int) -> list[tuple[Any, ...]]:
        """The exit codes that came too late."""
        return self.machines.ask(
            "SELECT (evidence->>'exit_code')::int FROM jobs_jobevent"
            " WHERE job_id = %s AND kind = 'late result'",
            job,
        )

    def each_run_started_once(self) -> bool:
        """No run of any job started twice."""
        started = Counter(self._starts())
        assert set(started.values()) == {1}, started
        return True

    def runs_did_not_overlap(self, job: int) -> bool:
        """The first run's last line came before the second one's first."""
        runs = [int(run) for number, run in self._told() if number == str(job)]
        assert runs == sorted(runs), runs
        return True

    def judge(self) -> None:
        """Nothing is left of the round, and every invariant holds."""
        eventually(lambda: all(self.is_over(job, 1) for job in self.jobs), within=PATIENCE)
        held = "SELECT id FROM jobs_resourceallocation WHERE status <> 'RELEASED'"
        eventually(lambda: self.machines.ask(held) == [], within=PATIENCE, what="everything released")
        promise.is_kept(self.machines.platform.environment)

    def _n2_takes_jobs(self) -> bool:
        return self.machines.ask(
            "SELECT 1 FROM jobs_node JOIN jobs_nodelease ON node_id = id WHERE name = 'n2' AND service = 'UP'"
            " AND lease_until > clock_timestamp() AND broker_ok_at > clock_timestamp() - interval '1 second'"
        ) == [(1,)]

    def _starts(self) -> list[tuple[int, int]]:
        lines = self._lines.read_text().splitlines()
        started = [line.split() for line in lines if line.startswith("start ")]
        return [(int(job), int(run)) for _, job, run in started]

    def _told(self) -> list[list[str]]:
        return [line.split() for line in self._lines.read_text().splitlines() if line[0].isdigit()]
