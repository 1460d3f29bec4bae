"""Each end as one sentence with its facts, and nothing that is not known."""

from typing import Any

import pytest

from jobs import lifecycle
from jobs.states import Reason, State
from tests import making

KILL = {"exit_signal": 9}
SENTENCES: list[tuple[dict[str, Any], Reason, str]] = [
    ({"code": 3}, Reason.NON_ZERO_EXIT_CODE, "Its script ended with exit code 3."),
    (
        {"exit_signal": 11, "core_dumped": True},
        Reason.RAISED_SIGNAL,
        "Its process was ended by signal 11 (SIGSEGV), and left a core dump.",
    ),
    (
        {**KILL, "cause": "limit"},
        Reason.TIME_LIMIT,
        "It reached its time limit; its process was ended by signal 9 (SIGKILL).",
    ),
    (
        {**KILL, "cause": "memory", "measured": [1536.4, 1024]},
        Reason.OUT_OF_MEMORY,
        "It used 1.5 GiB and asked for 1 GiB; its process was ended by signal 9 (SIGKILL).",
    ),
    (
        {**KILL, "cause": "output", "measured": [1100.0, 1024]},
        Reason.OUTPUT_LIMIT,
        "It wrote 1.1 GiB and may write 1 GiB; its process was ended by signal 9 (SIGKILL).",
    ),
    (
        {"code": 1, "cause": "memory"},
        Reason.OUT_OF_MEMORY,
        "It used more than it may; it ended with exit code 1.",
    ),
    (
        {**KILL, "cause": "fenced"},
        Reason.NODE_FAIL,
        "Its node had not renewed its lease for too long, so its supervisor ended it, as it may be run again"
        " elsewhere; its process was ended by signal 9 (SIGKILL).",
    ),
    (
        {"code": 137, "oom": "proven"},
        Reason.OUT_OF_MEMORY,
        "The kernel killed a process of it for lack of memory; it ended with exit code 137.",
    ),
    (
        {**KILL, "oom": "suspected"},
        Reason.OUT_OF_MEMORY,
        "it is suspected, not proven, that it was this.",
    ),
    (
        {"code": 1, "disk_full": True},
        Reason.DISK_FULL,
        "It ended with exit code 1, while the disk to which its node writes the output was full.",
    ),
    ({"launch_error": "[Errno 2] x"}, Reason.JOB_LAUNCH_FAILURE, "It could not be started: [Errno 2] x"),
]


@pytest.mark.parametrize(("facts", "reason", "sentence"), SENTENCES)
def test_each_failure_has_its_reason_and_its_sentence(
    facts: dict[str, Any], reason: Reason, sentence: str
) -> None:
    told = dict(facts)
    step, why, detail = making.ending(told.pop("code", None), **told).verdict(cancelled_by=None)
    assert (step.state, why) == (State.FAILED, reason)
    assert detail.endswith(sentence)


@pytest.mark.parametrize("facts", [{"cause": "limit"}, {"cause": "memory"}, {"oom": "proven"}, {}])
def test_a_cancel_goes_before_everything_but_an_end_with_0(facts: dict[str, Any]) -> None:
    _, reason, detail = making.ending(None, exit_signal=15, **facts).verdict(cancelled_by="ana")
    assert reason == Reason.CANCELLED
    assert detail == "Cancelled by ana while it ran; its process was ended by signal 15 (SIGTERM)."


@pytest.mark.parametrize("facts", [{"disk_full": True}, {"oom": "proven"}, {"oom": "suspected"}])
def test_an_end_with_0_is_a_good_end_whatever_was_seen_besides(facts: dict[str, Any]) -> None:
    step, _, _ = making.ending(0, **facts).verdict(cancelled_by=None)
    assert step.state == State.COMPLETED


@pytest.mark.django_db
def test_what_an_end_tells_is_in_the_row_and_in_its_event() -> None:
    job = making.active()
    told = making.ending(None, exit_signal=11, core_dumped=True, last_words="wrong", measured=[2.0, 1.0])
    assert lifecycle.finish(job, told, actor="n1")
    job.refresh_from_db()
    assert (job.exit_signal, job.core_dumped, job.last_words) == (11, True, "wrong")
    event = job.events.latest("pk")
    assert (event.evidence["exit_signal"], event.evidence["measured"]) == (11, [2.0, 1.0])
