"""The API, asked over HTTP. One connection for each request, straight to the server: proxies are not asked.

Every request may be sent twice: a submit carries a key by which the server knows it again, and the others
change nothing the second time. So a lost answer is asked for once more.
"""

import http.client
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.message import Message
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import quote, urlencode

from jobs.cli.config import Config
from jobs.cli.errors import LostAnswerError, UnexpectedAnswerError, UnreachableError
from jobs.cli.refusals import JOBS, NODES, refusal

AGENT: Final = "jobsite-cli"
PATIENCE: Final = 30.0
START_IT: Final = "is it running? Start it with `make run`, or set JOBSITE_URL to where it is"

Job = dict[str, Any]
"""A job with the API's fields."""

Node = dict[str, Any]
"""A node with the API's fields."""

Sweep = dict[str, Any]
"""A sweep of recovery with the API's fields."""


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Message
    body: bytes

    def read(self) -> Any:
        """The body's JSON. Raises UnexpectedAnswerError when it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            raise UnexpectedAnswerError("the answer is not JSON", hints=["is JOBSITE_URL right?"]) from None

    @property
    def date(self) -> datetime | None:
        """The server's clock. None: it did not tell."""
        try:
            return parsedate_to_datetime(self.headers.get("Date", ""))
        except ValueError:
            return None


@dataclass(frozen=True)
class Piece:
    """Some bytes of a job's output, where the next ones begin, how many there are, and whether it is all."""

    data: bytes
    next: int
    size: int
    ended: bool
    note: str = ""
    """Why there is nothing to read; empty when there is no more to say."""
    attempt: int = 0
    """Whose output it is: a job that is run again begins another."""


@dataclass(frozen=True)
class Listing:
    """Some jobs, newest first; whether there are older ones; the server's clock."""

    jobs: list[Job]
    more: bool
    now: datetime | None


class Server:
    """One server, asked as one user."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._address = config.address

    def submit(self, request: Mapping[str, object]) -> Job:
        """A new job, and only one, however often the answer is lost."""
        return self._object("POST", "jobs/", request, {"Idempotency-Key": os.urandom(16).hex()})

    def job(self, number: int) -> Job:
        """A job as it is now."""
        return self._object("GET", f"jobs/{number}/")

    def cancel(self, number: int) -> Job:
        """Ask for a job's end; the job as it is then."""
        return self._object("POST", f"jobs/{number}/cancel/")

    def jobs(self, filters: Mapping[str, str], limit: int) -> Listing:
        """At most so many jobs, asked for page by page."""
        found: list[Job] = []
        before = ""
        while True:
            wanted = {**filters, "limit": str(min(limit - len(found), 200)), "before": before}
            query = urlencode({name: value for name, value in wanted.items() if value}, safe=",")
            answer = self.ask("GET", f"jobs/?{query}")
            page = answer.read()
            found += page["results"]
            before = str(page["next"] or "")
            if not before or len(found) >= limit:
                return Listing(found, bool(before), answer.date)

    def nodes(self) -> tuple[list[Node], datetime | None]:
        """Every node, and the server's clock."""
        answer = self.ask("GET", "nodes/")
        found = answer.read()
        if not isinstance(found, dict) or not isinstance(found.get("results"), list):
            raise UnexpectedAnswerError("the answer is no list of nodes", hints=["is JOBSITE_URL right?"])
        return found["results"], answer.date

    def steer(self, verb: str, name: str, reason: str | None) -> Node:
        """Say what is wanted of a node; the node as it is then."""
        said = {} if reason is None else {"reason": reason}
        steered = self.ask("POST", f"nodes/{quote(name, safe='')}/{verb}/", said).read()
        if not isinstance(steered, dict) or "outlook" not in steered:
            raise UnexpectedAnswerError("the answer is not a node", hints=["is JOBSITE_URL right?"])
        return steered

    def ask_recovery(self, *, dry_run: bool) -> dict[str, int]:
        """Ask every node to sweep; how many heard it, and after which sweep theirs will be."""
        told = self.ask("POST", "recovery/", {"dry_run": dry_run}).read()
        if not isinstance(told, dict) or not {"asked", "after"} <= set(told):
            raise UnexpectedAnswerError(
                "the answer does not say who heard it", hints=["is JOBSITE_URL right?"]
            )
        return told

    def sweeps(self, after: int) -> list[Sweep]:
        """Those after this one, the oldest first, as far as they go into one answer."""
        told = self.ask("GET", f"recovery/?after={after}").read()
        if not isinstance(told, dict) or not isinstance(told.get("results"), list):
            raise UnexpectedAnswerError("the answer is no list of sweeps", hints=["is JOBSITE_URL right?"])
        found: list[Sweep] = told["results"]
        return found

    def output(self, number: int, start: int, stream: str = "stdout") -> Piece:
        """The output from this byte on, as far as it goes into one answer."""
        which = "" if stream == "stdout" else f"&stream={stream}"
        answer = self.ask("GET", f"jobs/{number}/output/?from={start}{which}")
        told = answer.headers
        try:
            return Piece(
                answer.body,
                int(told["X-Jobsite-Next"]),
                int(told["X-Jobsite-Size"]),
                told["X-Jobsite-Ended"] == "true",
                str(told.get("X-Jobsite-Note", "")),
                int(told.get("X-Jobsite-Attempt", "0")),
            )
        except (KeyError, TypeError, ValueError):
            raise UnexpectedAnswerError("the answer does not say which part of the output it is") from None

    def ask(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """One request below /api/v1/. Raises what the answer means when it is a refusal."""
        content = None if body is None else json.dumps(body).encode()
        try:
            answer = self._send(method, path, content, headers or {})
        except LostAnswerError:
            answer = self._send(method, path, content, headers or {})
        if answer.status not in (200, 201):
            raise refusal(
                answer.status,
                answer.headers.get("Location"),
                answer.body,
                self._address.text,
                lists=NODES if path.startswith("nodes/") else JOBS,
            )
        return answer

    def _object(self, *request: Any) -> Job:
        found = self.ask(*request).read()
        if not isinstance(found, dict) or "id" not in found:
            raise UnexpectedAnswerError("the answer is not a job", hints=["is JOBSITE_URL right?"])
        return found

    def _send(self, method: str, path: str, content: bytes | None, headers: Mapping[str, str]) -> Answer:
        connection = self._connect()
        try:
            connection.request(
                method,
                f"{self._address.path}/api/v1/{path}",
                content,
                {
                    "Authorization": f"Bearer {self._config.token}",
                    "Content-Type": "application/json",
                    "User-Agent": AGENT,
                    "Connection": "close",
                    **headers,
                },
            )
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        except (OSError, http.client.HTTPException) as error:
            raise LostAnswerError(
                f"{self._address.text} did not answer: {_words(error)}", hints=[START_IT]
            ) from None
        finally:
            connection.close()

    def _connect(self) -> http.client.HTTPConnection:
        kind = http.client.HTTPSConnection if self._address.secure else http.client.HTTPConnection
        connection = kind(self._address.host, self._address.port, timeout=PATIENCE)
        try:
            connection.connect()
        except OSError as error:
            connection.close()
            raise UnreachableError(
                f"no server answers at {self._address.text}: {_words(error)}", hints=[START_IT]
            ) from None
        return connection


def _words(error: Exception) -> str:
    """The system's own words, or what there is instead."""
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
