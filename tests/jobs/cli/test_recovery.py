"""Recovery on the command line."""

from typing import Any

import pytest

from jobs.cli import recovery
from jobs.cli.arguments import parser
from jobs.cli.commands import Call
from tests.jobs.cli.scripted import ScriptedServer, reply
from tests.jobs.cli.test_main import jobsite, told

DECISION = {
    "strategy": "PendingJobRecoveryStrategy",
    "job": 12,
    "attempt": 1,
    "found": "Its message is gone.",
    "evidence": {},
    "action": "T4: send its message again",
    "outcome": "recovered",
    "detail": "",
}


def sweep(number: int, node: str, *, trigger: str = "operator", dry_run: bool = False) -> dict[str, Any]:
    counts = {"recovered": 1, "skipped": 0, "failed": 0}
    return {
        "id": number,
        "node": node,
        "trigger": trigger,
        "dry_run": dry_run,
        **counts,
        "decisions": [DECISION],
    }


def recovered(*words: str, replies: list[Any], status: int = 200) -> tuple[Any, ScriptedServer]:
    with ScriptedServer([reply(content, status) for content in replies]) as server:
        return jobsite("recover", *words, variables=told(server)), server


def test_every_node_is_asked_and_what_each_decided_is_printed() -> None:
    others = [sweep(8, "n1", trigger="timer"), sweep(9, "n1", dry_run=True)]
    answers = [{"asked": 2, "dry_run": False, "after": 7}, {"results": [*others, sweep(10, "n1")]}]
    ended, server = recovered(replies=[*answers, {"results": []}, {"results": [sweep(11, "n\x1b2")]}])
    assert ended.returncode == 0, ended.stderr
    decision = "recovered: Its message is gone.: T4: send its message again"
    assert ended.stdout.splitlines() == [
        f"n1: job 12.1 {decision}",
        "n1: 1 recovered, 0 skipped, 0 failed",
        f"n\\x1b2: job 12.1 {decision}",
        "n\\x1b2: 1 recovered, 0 skipped, 0 failed",
    ]
    assert [asked.path for asked in server.asked] == [
        "/api/v1/recovery/",
        "/api/v1/recovery/?after=7",
        "/api/v1/recovery/?after=10",
        "/api/v1/recovery/?after=10",
    ]
    assert server.asked[0].body == b'{"dry_run": false}'


def test_a_dry_run_says_that_it_is_one() -> None:
    answers = [{"asked": 1, "dry_run": True, "after": 0}, {"results": [sweep(1, "n1", dry_run=True)]}]
    ended, server = recovered("--dry-run", replies=answers)
    assert ended.returncode == 0
    last = ended.stdout.splitlines()[-1]
    assert last == "n1: 1 recoverable, 0 skipped, 0 failed (dry run: nothing was changed)"
    assert server.asked[0].body == b'{"dry_run": true}'


def test_where_no_node_is_live_nobody_is_waited_for() -> None:
    ended, server = recovered(replies=[{"asked": 0, "dry_run": False, "after": 0}])
    assert (ended.returncode, len(server.asked)) == (1, 1)
    assert "nobody heard it" in ended.stderr


def test_a_node_that_does_not_answer_is_told(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setattr(recovery, "PATIENCE", 0.2)
    monkeypatch.setattr(recovery, "STEP", 0.05)
    given = parser().parse_args(["recover"])
    with ScriptedServer([reply({"asked": 2, "after": 0}), reply({"results": []})]) as server:
        assert recovery.recover(Call(given=given, rest=(), server=server.client, variables={})) == 1
    assert capsys.readouterr().err.startswith("2 nodes did not answer within 0.2 s")


def test_who_is_no_operator_is_told_so() -> None:
    ended, _ = recovered(replies=[{"detail": "Recovery is for operators. Ask one of them."}], status=403)
    assert (ended.returncode, ended.stderr) == (1, "error: Recovery is for operators. Ask one of them.\n")
