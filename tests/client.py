"""The API as a script outside the platform uses it: for tests against the real process set."""

import json
import urllib.error
import urllib.request
from email.message import Message
from typing import Any, NamedTuple

from tests.eventually import eventually

FINAL = {"COMPLETED", "FAILED", "CANCELLED"}
FAST = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Answer(NamedTuple):
    """What came back, whatever its status."""

    status: int
    headers: Message
    body: bytes

    @property
    def json(self) -> Any:
        """The body, read as JSON."""
        return json.loads(self.body)


class Client:
    """One user of one platform."""

    def __init__(self, url: str, token: str) -> None:
        self.url = url
        self.token = token

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> Answer:
        """One request below /api/v1/. A refusal is an answer too."""
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        request = urllib.request.Request(  # noqa: S310 - the platform's own address
            f"{self.url}/api/v1/{path}",
            data=None if body is None else json.dumps(body).encode(),
            method=method,
            headers={"Authorization": f"Bearer {self.token}", "Content-Type": "application/json", **named},
        )
        try:
            with FAST.open(request, timeout=30) as answer:
                return Answer(answer.status, answer.headers, answer.read())
        except urllib.error.HTTPError as refusal:
            return Answer(refusal.code, refusal.headers, refusal.read())

    def submit(self, script: str, **fields: object) -> int:
        """The number of a new job. A script without a `#!` line gets one of sh."""
        text = script if script.startswith("#!") else f"#!/bin/sh\n{script}\n"
        answer = self.ask("POST", "jobs/", {"script": text, "memory": 16, **fields})
        assert answer.status == 201, answer.body
        return int(answer.json["id"])

    def job(self, number: int) -> dict[str, Any]:
        """The job as it is now."""
        answer = self.ask("GET", f"jobs/{number}/")
        assert answer.status == 200, answer.body
        found: dict[str, Any] = answer.json
        return found

    def cancel(self, number: int) -> Answer:
        """Ask for the end of a job."""
        return self.ask("POST", f"jobs/{number}/cancel/")

    def output(self, number: int) -> bytes:
        """All that it has written so far."""
        collected, start = b"", 0
        while piece := (answer := self.ask("GET", f"jobs/{number}/output/?from={start}")).body:
            assert answer.status == 200, answer.body
            collected += piece
            start = int(answer.headers["X-Jobsite-Next"])
        return collected

    def until(self, number: int, state: str, within: float = 30.0) -> dict[str, Any]:
        """Wait until the job is in this state (or phase) and answer it; fail when it ends in another."""

        def there() -> dict[str, Any]:
            job = self.job(number)
            if state in (job["state"], job["phase"]):
                return job
            assert job["state"] not in FINAL, job
            return {}

        return eventually(there, within=within, what=lambda: f"job {number} {state}: {self.job(number)}")

    def ended(self, *numbers: int, within: float = 60.0) -> list[dict[str, Any]]:
        """Wait until all these jobs have ended, and answer them in the same order."""
        waiting = set(numbers)

        def none_left() -> bool:
            waiting.difference_update([n for n in waiting if self.job(n)["state"] in FINAL])
            return not waiting

        eventually(none_left, within=within, every=0.1, what=lambda: self._told(waiting, len(numbers)))
        return [self.job(number) for number in numbers]

    def _told(self, waiting: set[int], number: int) -> str:
        """What the jobs that did not end look like, the oldest of them."""
        shown = {
            name: self.job(min(waiting))[name] for name in ("state", "phase", "reason", "detail", "attempt")
        }
        return f"the end of {number} jobs; {len(waiting)} left, such as {min(waiting)}: {shown}"
