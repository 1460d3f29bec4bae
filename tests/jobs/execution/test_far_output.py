"""The output of another node: asked through the broker, answered by its agent, and no more than that."""

import contextlib
import itertools
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from celery import current_app
from django.conf import settings
from django.core import signing
from django.db.backends.signals import connection_created
from django.dispatch import Signal

from jobs.execution import far_output
from jobs.execution.far_output import KEPT, Question, answers_to, ask, clock_of, questions_of
from jobs.execution.output_desk import OutputDesk
from jobs.execution.spool import Spool
from jobs.execution.stream_file import CHUNK, MISSING, Piece
from jobs.models import Node
from tests import making
from tests.eventually import eventually
from tests.jobs.execution import running
from tests.web import browser

REPLY = "0123456789abcdef" * 2
NOW = 1_800_000_000
GOOD = {
    "job_id": 1,
    "attempt": 1,
    "stream": "stdout",
    "offset": 0,
    "limit": 9,
    "asked_at": NOW,
    "reply": REPLY,
}


@pytest.fixture
def far(tmp_path: Path) -> str:
    """A node's name that no other test has: its desk goes on for a moment after its test."""
    return f"far-{tmp_path.name}"


@pytest.fixture
def desk(far: str, spool: Spool) -> Iterator[OutputDesk]:
    """The node's agent answers."""
    made = OutputDesk(far, spool)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def broker() -> Iterator[Any]:
    """The broker itself."""
    with current_app.connection_for_read() as connection:
        channel: Any = connection.default_channel
        yield channel.client


def sealed(salt: str = "jobs.output", **changes: object) -> bytes:
    return signing.dumps({**GOOD, **changes}, salt=salt).encode()


@pytest.mark.usefixtures("desk")
def test_every_byte_arrives_and_the_file_of_its_own_too(far: str, spool: Spool, tmp_path: Path) -> None:
    written = bytes(range(256)) * 1024
    (tmp_path / "in").write_bytes(written)
    script = "cat; echo words >&2"
    directory = running.started(spool, script, stdin=str(tmp_path / "in"), stderr=str(tmp_path / "err"))
    running.outcome_of(directory)
    collected = b""
    while (piece := ask(far, 1, 1, "stdout", len(collected), CHUNK)) and piece.data:
        collected += piece.data
        assert (piece.next, piece.size, len(piece.data)) == (len(collected), len(written), CHUNK)
    assert collected == written
    assert ask(far, 1, 1, "stderr", 0, CHUNK) == Piece(b"words\n", 6, 6)


@pytest.mark.django_db
@pytest.mark.usefixtures("desk", "outbox")
def test_a_download_opens_no_database_session_in_a_thread_where_nobody_closes_it(
    far: str, spool: Spool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = making.ended()
    Node.objects.update(name=far)
    directory = spool.attempt(job.pk, 1)
    assert directory.make()
    directory.stdout.write_bytes(bytes(range(256)) * 1024)
    monkeypatch.setattr(settings, "JOBSITE_VAR", tmp_path / "elsewhere")
    answer: Any = browser(job.owner).get(f"/jobs/{job.pk}/download/")
    opened: list[object] = []
    with noted(connection_created, opened):
        assert async_to_sync(gather)(answer.streaming_content) == bytes(range(256)) * 1024
    assert opened == []


@contextlib.contextmanager
def noted(signal: Signal, senders: list[object]) -> Iterator[None]:
    """Note who sends it."""

    def note(sender: object, **_: object) -> None:
        senders.append(sender)

    signal.connect(note)
    yield
    signal.disconnect(note)


async def gather(pieces: AsyncIterator[bytes]) -> bytes:
    return b"".join([piece async for piece in pieces])


@pytest.mark.usefixtures("desk")
def test_an_attempt_that_is_not_there_is_told(far: str) -> None:
    assert ask(far, 9, 1, "stdout", 0, CHUNK) == Piece(b"", 0, 0, MISSING)


def test_a_node_that_is_silent_answers_nothing_and_keeps_no_questions(
    broker: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(far_output, "PATIENCE", 0.01)
    monkeypatch.setattr(far_output, "MOST_WAITING", 3)
    for _ in range(5):
        assert ask("gone", 1, 1, "stdout", 0, CHUNK) is None
    assert broker.llen(questions_of("gone")) == 3
    assert 0 < broker.ttl(questions_of("gone")) <= far_output.KEPT


def test_an_answer_is_gone_after_a_while_when_nobody_takes_it(
    far: str, broker: Any, desk: OutputDesk
) -> None:
    broker.rpush(questions_of(far), sealed(asked_at=clock_of(broker)))
    eventually(lambda: broker.llen(answers_to(REPLY)) == 1)
    assert 0 < broker.ttl(answers_to(REPLY)) <= far_output.KEPT
    broker.delete(answers_to(REPLY))


@pytest.mark.parametrize(
    "question",
    [
        b"",
        b"\xff\x00",
        json.dumps(GOOD).encode(),
        sealed(salt="another"),
        sealed()[:-1] + b"?",
        sealed(job_id="1"),
        sealed(job_id=-1),
        sealed(job_id=True),
        sealed(offset=2**63),
        sealed(offset=1.5),
        sealed(asked_at=float(NOW)),
        sealed(stream="script"),
        sealed(stream="../../secret-key"),
        sealed(stream=["stdout"]),
        sealed(reply="node.far"),
        sealed(reply=REPLY + "\n"),
        sealed(reply=7),
        signing.dumps([1, 2], salt="jobs.output").encode(),
        b"x" * 100_000,
    ],
    ids=itertools.count(),
)
def test_a_question_that_is_forged_or_odd_is_dropped(spool: Spool, question: bytes) -> None:
    """Whoever reaches the broker reads nothing from an agent and changes nothing by it."""
    assert OutputDesk("far", spool).answer(question, NOW) is None


@pytest.mark.parametrize("seconds", [-600, -KEPT - 1, KEPT + 1, 600, 10**9])
def test_a_copy_of_a_question_is_not_answered_later(spool: Spool, seconds: int) -> None:
    assert OutputDesk("far", spool).answer(sealed(), NOW) is not None
    assert OutputDesk("far", spool).answer(sealed(), NOW + seconds) is None


def test_a_question_is_answered_as_long_as_somebody_may_wait(spool: Spool) -> None:
    assert OutputDesk("far", spool).answer(sealed(), NOW + KEPT) is not None


def test_the_desk_goes_on_after_a_question_that_is_odd(
    far: str, broker: Any, desk: OutputDesk, spool: Spool
) -> None:
    running.outcome_of(running.started(spool, "echo hello"))
    broker.rpush(questions_of(far), b"\xff", sealed(stream="script"))
    piece = ask(far, 1, 1, "stdout", 0, CHUNK)
    assert piece is not None
    assert piece.data == b"hello\n"


def test_no_more_than_a_chunk_is_answered(spool: Spool) -> None:
    directory = running.started(spool, "head -c 200000 /dev/zero")
    running.outcome_of(directory)
    answered = OutputDesk("far", spool).answer(sealed(limit=10**9), NOW)
    assert answered is not None
    piece = far_output.unpack(answered[1])
    assert piece is not None
    assert len(piece.data) == CHUNK
    assert len(answered[1]) < CHUNK + 1024


@pytest.mark.parametrize(
    "answer",
    [b"", b"{}\n", b"[]\nx", b'{"next": "1", "size": 1, "note": ""}\n', b"\xff\n", b"[" * 99_999],
)
def test_an_answer_that_is_odd_is_no_answer(answer: bytes) -> None:
    assert far_output.unpack(answer) is None


def test_a_question_says_what_it_says_after_it_was_sealed() -> None:
    question = Question(**GOOD)  # type: ignore[arg-type]
    assert Question.unseal(question.seal().encode()) == question
