"""The output of another node, asked of its agent through the broker, a piece at a time.

A question names a job, an attempt, a stream and a place in it, and can do nothing but be answered. It is
sealed with the platform's secret key and is answered for some seconds only, by the broker's clock, which both
sides share: whoever merely reaches the broker can ask an agent nothing that was not asked just now. But
questions and answers lie there in clear meanwhile, so who can read the broker reads the output that others
look at. The question waits in a list of the node's own and not in a queue of Celery's: it is gone after some
seconds, answered or not, so that a page which is looked at while a node is away fills nothing.
"""

import json
import logging
import re
import secrets
from dataclasses import asdict, dataclass, fields
from typing import Any, Final, Self

from celery import current_app
from django.core import signing
from kombu.exceptions import LimitExceeded, OperationalError
from redis.exceptions import RedisError

from jobs.execution.stream_file import CHUNK, STREAMS, Piece

logger = logging.getLogger("jobs.output")

PATIENCE: Final = 2.5
"""Seconds that a person waits for an answer."""
KEPT: Final = 10
"""Seconds after which question and answer are gone, and a copy of the question is answered no more."""
MOST_WAITING: Final = 64
LONGEST_QUESTION: Final = 4096
LARGEST: Final = 2**63 - 1
UNANSWERED: Final = (OperationalError, RedisError, OSError, LimitExceeded)

_SALT: Final = "jobs.output"
_REPLY: Final = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, kw_only=True)
class Question:
    """Which bytes are wanted, when (by the broker's clock), and the list that the answer goes to."""

    job_id: int
    attempt: int
    stream: str
    offset: int
    limit: int
    asked_at: int
    reply: str

    def seal(self) -> str:
        """What goes into the broker."""
        return signing.dumps(asdict(self), salt=_SALT)

    @classmethod
    def unseal(cls, sealed: bytes) -> Self | None:
        """The question. None: somebody made it up, or it asks for something that there cannot be."""
        try:
            told = signing.loads(sealed[:LONGEST_QUESTION].decode(), salt=_SALT)
            question = cls(**{field.name: told[field.name] for field in fields(cls)})
        except (signing.BadSignature, ValueError, KeyError, TypeError):
            return None
        return question if question._is_sound() else None

    def is_new(self, moment: int) -> bool:
        """Somebody may still wait for the answer. What is older, or of the future, is a copy."""
        return abs(moment - self.asked_at) <= KEPT

    def _is_sound(self) -> bool:
        numbers = (self.job_id, self.attempt, self.offset, self.limit, self.asked_at)
        return (
            all(type(number) is int and 0 <= number <= LARGEST for number in numbers)
            and self.stream in STREAMS
            and isinstance(self.reply, str)
            and _REPLY.fullmatch(self.reply) is not None
        )


def questions_of(node_name: str) -> str:
    """The list in which a node's questions wait."""
    return f"jobsite.questions.{node_name}"


def answers_to(reply: str) -> str:
    """The list into which one answer goes. Whatever a question says, no other list is written to."""
    return f"jobsite.answer.{reply}"


def ask(node_name: str, job_id: int, attempt: int, stream: str, offset: int, limit: int) -> Piece | None:
    """At most `limit` bytes from `offset`. None: the node or the broker does not answer."""
    connections: Any = current_app.pool
    try:
        with connections.acquire(block=True, timeout=PATIENCE) as connection:
            client = connection.default_channel.client
            question = Question(
                job_id=job_id,
                attempt=attempt,
                stream=stream,
                offset=offset,
                limit=min(limit, CHUNK),
                asked_at=clock_of(client),
                reply=secrets.token_hex(16),
            )
            answer = _exchange(client, questions_of(node_name), question)
    except UNANSWERED as error:
        logger.warning("job=%s: its output cannot be asked for: %s", job_id, error)
        return None
    return None if answer is None else unpack(answer)


def clock_of(client: Any) -> int:
    """The broker's time, in seconds."""
    seconds: int = client.time()[0]
    return seconds


def _exchange(client: Any, waiting: str, question: Question) -> bytes | None:
    with client.pipeline(transaction=False) as steps:
        steps.rpush(waiting, question.seal())
        steps.ltrim(waiting, -MOST_WAITING, -1)
        steps.expire(waiting, KEPT)
        steps.execute()
    answered = client.blpop([answers_to(question.reply)], timeout=PATIENCE)
    return None if answered is None else bytes(answered[1])


def pack(piece: Piece) -> bytes:
    """An answer: one line about the bytes, then the bytes."""
    facts = {"next": piece.next, "size": piece.size, "note": piece.note}
    return json.dumps(facts).encode() + b"\n" + piece.data


def unpack(answer: bytes) -> Piece | None:
    """The piece. None: it is not an answer of ours."""
    facts, _, data = answer.partition(b"\n")
    try:
        match json.loads(facts):
            case {"next": int(place), "size": int(size), "note": str(note)} if len(data) <= CHUNK:
                return Piece(data, place, size, note)
    except (ValueError, RecursionError):
        pass
    return None
