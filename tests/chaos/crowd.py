"""Those who submit and cancel, by the real API, and their own ledger of what was acknowledged.

A request whose answer did not come is sent again with the same idempotency key, to either web, until one
comes. Nothing but an answer counts as an acknowledgement.
"""

import http.client
import json
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from queue import SimpleQueue
from urllib.parse import urlsplit

from tests.chaos.schedule import PlannedJob
from tests.client import Client

CROWD = 6
PAUSE = 0.3
"""Seconds before a request is repeated."""
ACCEPTED, ENDED = {200, 201}, 409
AGAIN = {429, 500, 502, 503, 504}
LOST = (OSError, http.client.HTTPException, ValueError)
"""What a request ends with that gets no answer, or half of one."""


class Ledger:
    """What was answered, by the planned job's number."""

    def __init__(self) -> None:
        self.acknowledged: defaultdict[int, set[int]] = defaultdict(set)
        """The ids told for each. More than one is a job too many."""
        self.refused: dict[int, str] = {}
        self.cancels: set[int] = set()
        """The ids of which somebody has asked the end, answered or not."""
        self.answers: Counter[str] = Counter()
        self.lock = threading.Lock()

    @property
    def ids(self) -> dict[int, int]:
        """The planned job of each acknowledged id."""
        with self.lock:
            return {one: number for number, ids in self.acknowledged.items() for one in ids}


class Crowd:
    """A few people, each busy with one request at a time."""

    def __init__(
        self, urls: list[str], token: str, bodies: Callable[[PlannedJob], Mapping[str, object]]
    ) -> None:
        self.ledger = Ledger()
        self._clients = [Client(url, token) for url in urls]
        self._bodies = bodies
        self._work: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(CROWD)]
        self._over = threading.Event()
        self._busy = 0
        for thread in self._threads:
            thread.start()

    def submit(self, job: PlannedJob) -> None:
        """Have it submitted soon."""
        self._put(lambda: self._submit(job))

    def cancel(self, job_id: int) -> None:
        """Have its end asked for soon."""
        self._put(lambda: self._cancel(job_id))

    def is_idle(self) -> bool:
        """Everything asked of it has been answered."""
        with self.ledger.lock:
            return self._busy == 0

    def close(self) -> None:
        """Go home, whatever is left."""
        self._over.set()
        for _ in self._threads:
            self._work.put(None)
        for thread in self._threads:
            thread.join(60)

    def _put(self, work: Callable[[], None]) -> None:
        with self.ledger.lock:
            self._busy += 1
        self._work.put(work)

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            work()
            with self.ledger.lock:
                self._busy -= 1

    def _submit(self, job: PlannedJob) -> None:
        body = self._bodies(job)
        tries = job.number
        if job.answer_is_lost:
            self._send_and_leave(self._clients[tries % len(self._clients)], body, _key(job))
        while not self._over.is_set():
            client = self._clients[tries % len(self._clients)]
            tries += 1
            if self._is_answered(client, job, body):
                return
            self._over.wait(PAUSE)

    def _is_answered(self, client: Client, job: PlannedJob, body: Mapping[str, object]) -> bool:
        try:
            answer = client.ask("POST", "jobs/", body, Idempotency_Key=_key(job))
            told = answer.json if answer.status in ACCEPTED else None
        except LOST:
            self._count("no answer")
            return False
        self._count(str(answer.status))
        with self.ledger.lock:
            if told is not None:
                self.ledger.acknowledged[job.number].add(int(told["id"]))
            elif answer.status not in AGAIN:
                self.ledger.refused[job.number] = f"{answer.status} {answer.body[:200]!r}"
        return answer.status not in AGAIN

    def _send_and_leave(self, client: Client, body: Mapping[str, object], key: str) -> None:
        """As when the line breaks: the request may have arrived, and its answer comes to nobody."""
        address = urlsplit(client.url)
        connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=5)
        headers = {
            "Authorization": f"Bearer {client.token}",
            "Content-Type": "application/json",
            "Idempotency-Key": key,
        }
        try:
            connection.request("POST", "/api/v1/jobs/", json.dumps(body).encode(), headers)
        except LOST:
            self._count("no answer")
            return
        finally:
            connection.close()
        self._count("left unread")

    def _cancel(self, job_id: int) -> None:
        with self.ledger.lock:
            self.ledger.cancels.add(job_id)
        until = time.monotonic() + 30
        client = self._clients[job_id % len(self._clients)]
        while not self._over.is_set() and time.monotonic() < until:
            try:
                answer = client.cancel(job_id)
            except LOST:
                self._count("no answer")
            else:
                self._count(f"cancel {answer.status}")
                if answer.status not in AGAIN:
                    return
            self._over.wait(PAUSE)

    def _count(self, answer: str) -> None:
        with self.ledger.lock:
            self.ledger.answers[answer] += 1


def _key(job: PlannedJob) -> str:
    return f"chaos-{job.number}"
