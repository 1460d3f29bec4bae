"""The nodes on the command line."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from jobs.cli.nodes import heard
from tests.jobs.cli.scripted import ScriptedServer, reply
from tests.jobs.cli.test_main import jobsite, told

NODE = {
    "name": "n1",
    "service": "UP",
    "reachable": True,
    "heard_at": "2026-01-02T03:59:57Z",
    "reason": "",
    "own_service": "UP",
    "wanted": "UP",
    "cpus": 8,
    "cpus_taken": 3,
    "memory_mb": 16384,
    "memory_taken_mb": 1024,
    "gpus": 0,
    "gpus_taken": 0,
    "jobs": 2,
}


def node(**changes: object) -> dict[str, Any]:
    return {**NODE, **changes}


def listed(*nodes: dict[str, Any]) -> Any:
    """What `jobsite nodes` prints of these."""
    with ScriptedServer([reply({"results": list(nodes)})]) as server:
        return jobsite("nodes", variables=told(server))


def steered(*words: str, status: int = 200, **answer: object) -> tuple[Any, ScriptedServer]:
    with ScriptedServer([reply(answer, status)]) as server:
        return jobsite("node", *words, variables=told(server)), server


def test_nodes_are_a_table_of_what_is_given_and_what_there_is() -> None:
    just_now = node(heard_at=(datetime.now(UTC) + timedelta(hours=1)).isoformat())
    silent = node(name="n2", service="DRAIN", heard_at=None, reason="a\x1b[2J disk (op)", jobs=0)
    shown = listed(just_now, silent)
    assert shown.returncode == 0
    assert [re.split(r"  +", line) for line in shown.stdout.splitlines()] == [
        ["NODE", "SERVICE", "CPU", "MEMORY", "JOBS", "HEARD", "WHY"],
        ["n1", "UP", "3/8", "1 GiB/16 GiB", "2", "00:00:00", "-"],
        ["n2", "DRAIN", "3/8", "1 GiB/16 GiB", "0", "-", "a\\x1b[2J disk (op)"],
    ]


def test_how_long_ago_a_node_was_heard_is_told_by_the_servers_clock() -> None:
    assert heard(node(), datetime(2026, 1, 2, 4, 1, tzinfo=UTC)) == "00:01:03"


def test_gpus_have_a_column_where_there_are_some() -> None:
    assert " 1/2 " in listed(node(gpus=2, gpus_taken=1)).stdout


def test_a_platform_without_nodes_says_so() -> None:
    assert listed().stderr == "No node has enrolled yet.\n"


def test_a_node_is_drained_with_a_reason_and_its_jobs_outlook_told() -> None:
    outlook = "n1 takes no new jobs; 2 jobs are there, and go on to their ends."
    drained = node(service="DRAIN", wanted="DRAIN", changed=True, outlook=outlook, reason="disk (op)")
    ran, server = steered("drain", "n1", "--reason", "disk", **drained)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, f"{outlook}\n", "")
    asked = server.asked[0]
    assert (asked.method, asked.path, asked.body) == (
        "POST",
        "/api/v1/nodes/n1/drain/",
        b'{"reason": "disk"}',
    )


def test_what_was_wanted_already_is_told() -> None:
    ran, _ = steered("resume", "n1", **node(changed=False, outlook="n1 takes jobs."))
    assert ran.stderr == "n1 was wanted UP already; nothing was changed.\n"


def test_a_node_that_is_resumed_and_takes_none_says_why() -> None:
    answer = node(changed=True, outlook="n1 takes no new jobs.", service="DRAIN", reason="disk (agent)")
    ran, _ = steered("resume", "n1", **answer)
    assert ran.stderr == "It takes none now: disk (agent).\n"


def test_a_name_cannot_lead_to_another_address() -> None:
    _, server = steered("resume", "../jobs/1/cancel?x#y", **node(changed=True, outlook="o"))
    assert server.asked[0].path == "/api/v1/nodes/..%2Fjobs%2F1%2Fcancel%3Fx%23y/resume/"


@pytest.mark.parametrize(
    ("status", "answer", "lines"),
    [
        (
            403,
            {"detail": "Only operators steer nodes. Ask one of them."},
            ["error: Only operators steer nodes. Ask one of them."],
        ),
        (
            404,
            {"detail": "No node is named 'n3'. There are: n1."},
            ["error: No node is named 'n3'. There are: n1.", "hint: `jobsite nodes` lists them"],
        ),
        (
            400,
            {"reason": ["Say why."]},
            ["error: reason: Say why.", 'hint: --reason TEXT: one line, such as --reason "new disk"'],
        ),
    ],
)
def test_a_refusal_says_what_to_do(status: int, answer: dict[str, Any], lines: list[str]) -> None:
    ran, _ = steered("drain", "n3", status=status, **answer)
    assert (ran.returncode, ran.stderr.splitlines()) == (1, lines)


@pytest.mark.parametrize("words", [["node"], ["node", "reboot", "n1"], ["node", "drain"], ["nodes", "n1"]])
def test_wrong_usage_asks_nothing(words: list[str]) -> None:
    with ScriptedServer([reply({})]) as server:
        assert jobsite(*words, variables=told(server)).returncode == 2
    assert server.asked == []


@pytest.mark.parametrize("words", [["nodes"], ["node", "resume", "n1"]])
def test_an_answer_that_is_none_of_ours_is_told(words: list[str]) -> None:
    with ScriptedServer([reply({"id": 7})]) as server:
        ran = jobsite(*words, variables=told(server))
    assert ran.returncode == 2
    assert "hint: is JOBSITE_URL right?" in ran.stderr


@pytest.mark.parametrize("command", ["nodes", "node"])
def test_help_has_an_example(command: str) -> None:
    assert f"  jobsite {command} " in jobsite(command, "--help", variables=told()).stdout
