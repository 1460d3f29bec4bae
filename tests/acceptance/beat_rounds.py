"""One round of everything that has a bound (L1 to L6), and what is true after it, whoever beats the time.

It all happens at once: n1 loses a message and its worker, and runs jobs that must be ended; n2 is given up.
"""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from signal import SIGKILL
from typing import Any

import redis

from jobs.execution import processes, procfs
from jobs.states import AllocationStatus
from tests.acceptance.split_rounds import Machines
from tests.acceptance.split_rounds import Round as FarRound
from tests.acceptance.test_broker import QUEUE, unheard
from tests.acceptance.test_limit import DUE, seconds
from tests.acceptance.witness import Gate, Witness
from tests.client import Client
from tests.eventually import eventually

GRACE = 1.0
SOON = 30.0
"""Seconds in which what needs a sweep is mended; without one it would never be."""
BUSY = 10.0
"""Seconds that an end may take more where other tests run beside this one."""
DEAF = "trap '' TERM\nsleep 700000 &\nsleep 700000; sleep 700000"
STALE = "UPDATE jobs_resourceallocation SET status = %s, released_at = NULL WHERE job_id = %s RETURNING id"
COUNTS = "SELECT count(*) FROM jobs_jobevent WHERE job_id = %s AND kind = 'dispatched'"


class BeatRound:
    """The jobs of one round, and each bound by its number."""

    def __init__(self, machines: Machines, client: Client, broker: redis.Redis, directory: Path) -> None:
        self._machines, self._client, self._broker = machines, client, broker
        self._platform = machines.platform
        self._witness, self._gate = Witness(directory / "witness"), Gate(directory / "gate")
        self._directory = directory
        self._jobs: list[int] = []
        self._due = DUE
        machines.ask("UPDATE jobs_partition SET grace = %s * interval '1 second' RETURNING id", GRACE)

    def play(self, *, far: bool, whole: bool) -> None:
        """What happens to n1, with `far` while n2 is given up; `whole`: all, on a machine at rest."""
        self._due = DUE if whole else DUE + BUSY
        with self._n2_given_up(until_run_again=whole) if far or whole else self._machines.cut_off("n2"):
            self.ends_are_in_time()
            self.a_lost_message_is_sent_again_and_no_other()
            self.what_nobody_holds_by_right_is_let_go()
        if whole:
            self.a_worker_comes_back_to_its_jobs()
        assert self._witness.saw_each_start_once(*self._jobs)
        eventually(lambda: self._broker.llen(QUEUE) == 0, what="no message that nobody needs")
        self._gate.close()

    @contextmanager
    def _n2_given_up(self, *, until_run_again: bool) -> Iterator[None]:
        """L1, L3, L5: of a node that is lost; `until_run_again`: until what may is run elsewhere."""
        far = FarRound(self._machines, self._client, self._directory / "round-0")
        lost, again = far.begin(), far.begin(requeue=True, max_attempts=3)
        with self._machines.cut_off("n2"):
            self._machines.want(n2="DOWN", n3="UP")
            yield
            far.until(lost, "DONE", attempt=1, reason="NodeFail")
            if until_run_again:
                far.until(again, "ACTIVE", attempt=2)
        self._machines.want(n2="UP")
        far.until_back()
        far.finish()
        self._client.ended(again, within=SOON)
        far.judge()
        assert far.each_run_started_once()

    def ends_are_in_time(self) -> None:
        """L6, also of a job whose wrapper was killed."""
        limited = self._submit(DEAF, time_limit="00:00:02")
        cancelled, adopted = self._submit(DEAF), self._submit(DEAF)
        for job in (cancelled, adopted):
            self._client.until(job, "ACTIVE")
        ticket = self._machines.spool("n1").attempt(adopted, self._attempt(adopted)).ticket()
        assert ticket
        assert ticket.wrapper
        assert processes.send(ticket.wrapper, SIGKILL)
        for job in (cancelled, adopted):
            assert self._client.cancel(job).status == 200
        ends = self._client.ended(limited, cancelled, adopted)
        assert [job["reason"] for job in ends] == ["TimeLimit", "Cancelled", "Cancelled"]
        assert seconds(ends[0], "limit_at", "ended_at") <= GRACE + self._due
        assert seconds(ends[1], "cancel_requested_at", "ended_at") <= GRACE + self._due
        assert seconds(ends[2], "cancel_requested_at", "ended_at") <= SOON

    def a_lost_message_is_sent_again_and_no_other(self) -> None:
        """L1, L4: one message for each attempt, and one more for what was lost."""
        script = self._witness.script()
        with (  # n3 would look into the broker meanwhile; so would n2, which is cut off by now
            self._machines.cut_off("n3"),
            unheard(self._platform, self._client, self._broker, script) as job,
        ):
            self._jobs.append(job)
            self._broker.delete(QUEUE)
        (ended,) = self._client.ended(job, within=SOON)
        assert ended["state"] == "COMPLETED"
        assert self._messages(job) == self._attempt(job) + (self._attempt(job) == 1)
        assert [self._messages(other) - self._attempt(other) for other in self._jobs if other != job] == [
            0
        ] * (len(self._jobs) - 1)

    def what_nobody_holds_by_right_is_let_go(self) -> None:
        """L2, L3: resources and a process of a job that has ended."""
        job = self._jobs[-1]
        token = self._machines.spool("n1").attempt(job, self._attempt(job)).token
        told = {"PATH": os.defpath, procfs.MARKER: token}
        with subprocess.Popen(["/bin/sleep", "700000"], env=told, start_new_session=True) as stray:
            assert self._machines.ask(STALE, AllocationStatus.ALLOCATED, job)
            eventually(lambda: stray.poll() is not None, within=SOON, what="the end of the stray")
        held = "SELECT id FROM jobs_resourceallocation WHERE job_id = %s AND status <> 'RELEASED'"
        eventually(lambda: self._machines.ask(held, job) == [], within=SOON, what="the release")

    def a_worker_comes_back_to_its_jobs(self) -> None:
        """L1, L5: what ended while it was away is told truly, and its node takes jobs again."""
        job = self._submit(self._gate.wait + "\nexit 7")
        self._client.until(job, "ACTIVE")
        eventually(partial(self._witness.saw_starts, len(self._jobs)))
        killed = self._platform.kill("worker")
        self._gate.open()
        behind = self._submit("true")
        self._platform.wait_restarted("worker", killed)
        ends = self._client.ended(job, behind, within=SOON)
        assert [end["exit_code"] for end in ends] == [7, 0]

    def _submit(self, rest: str, **fields: Any) -> int:
        self._jobs.append(self._client.submit(self._witness.script(rest), **fields))
        return self._jobs[-1]

    def _attempt(self, job: int) -> int:
        return int(self._client.job(job)["attempt"])

    def _messages(self, job: int) -> int:
        ((number,),) = self._machines.ask(COUNTS, job)
        return int(number)
