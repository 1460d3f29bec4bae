"""Where an agent answers questions about the output of its node's jobs, in threads of its own.

Two of them, so that a file on a server that hangs leaves the other's output readable. A question that is odd
is dropped; whatever is asked, nothing is changed but the list that the answer goes to.
"""

import logging
import threading
from typing import Any, Final

from celery import current_app

from jobs.execution import stream_file
from jobs.execution.far_output import KEPT, UNANSWERED, Question, answers_to, clock_of, pack, questions_of
from jobs.execution.spool import Spool

logger = logging.getLogger("jobs.output")

DESKS: Final = 2
LISTENING: Final = 1
"""Seconds after which it looks whether it is to stop."""


class OutputDesk:
    """Answers for one node."""

    def __init__(self, node_name: str, spool: Spool) -> None:
        self._waiting = questions_of(node_name)
        self._spool = spool
        self._stopping = threading.Event()

    def start(self) -> None:
        """Begin to answer."""
        for number in range(DESKS):
            threading.Thread(target=self._run, name=f"output-{number}", daemon=True).start()

    def stop(self) -> None:
        """Answer no more."""
        self._stopping.set()

    def answer(self, sealed: bytes, moment: int) -> tuple[str, bytes] | None:
        """The list for the answer, and the answer, by the broker's clock. None: the question is dropped."""
        question = Question.unseal(sealed)
        if question is None:
            logger.warning(
                "dropped a question that is none of ours; is JOBSITE_SECRET_KEY the same everywhere?"
            )
            return None
        if not question.is_new(moment):
            logger.warning(
                "job=%s: dropped a question of %s seconds ago: a copy, or the broker's clock was set",
                question.job_id,
                moment - question.asked_at,
            )
            return None
        directory = self._spool.attempt(question.job_id, question.attempt).path
        piece = stream_file.read(directory, question.stream, question.offset, question.limit)
        return answers_to(question.reply), pack(piece)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                with current_app.connection_for_read() as connection:
                    channel: Any = connection.default_channel
                    self._serve(channel.client)
            except UNANSWERED:
                self._stopping.wait(LISTENING)
            except Exception:  # a thread that ends here would leave the node's output unreadable for ever
                logger.exception("a question was not answered")
                self._stopping.wait(LISTENING)

    def _serve(self, client: Any) -> None:
        while not self._stopping.is_set():
            asked = client.blpop([self._waiting], timeout=LISTENING)
            answered = self.answer(asked[1], clock_of(client)) if asked is not None else None
            if answered is not None:
                with client.pipeline(transaction=False) as steps:
                    steps.rpush(*answered)
                    steps.expire(answered[0], KEPT)
                    steps.execute()
