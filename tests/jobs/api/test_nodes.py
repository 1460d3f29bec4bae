"""The nodes in the API: everybody looks, operators steer, and say why."""

from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from django.conf import settings
from django.core.handlers.asgi import ASGIRequest
from pytest_django import DjangoAssertNumQueries

from jobs import fleet
from jobs.api.nodes import SteerNodeView
from jobs.fleet import LONGEST_REASON
from jobs.models import Node, NodeLease
from jobs.models.clock import from_now
from jobs.states import Service
from tests import making
from tests.jobs.api.conftest import Speaker

BAD_REASONS: list[tuple[object, str]] = [
    ({}, "Say why"),
    ({"reason": ""}, "Say why"),
    ({"reason": "  \n "}, "Say why"),
    ({"reason": None}, "Say why"),
    ({"reason": 7}, "Say why"),
    ({"reason": ["disk"]}, "Say why"),
    ({"reason": "a\x1b[2Jb"}, "cannot be printed"),
    ({"reason": "two\nlines"}, "cannot be printed"),
    ({"reason": "\u202edisk"}, "cannot be printed"),
    ({"reason": "\ud800"}, "cannot be printed"),
    ({"reason": "x" * (LONGEST_REASON + 1)}, f"it may have {LONGEST_REASON}"),
]


def steer(speaker: Speaker, verb: str, name: str = "n1", body: object = None) -> Any:
    return speaker.ask("POST", f"nodes/{name}/{verb}/", body)


def first(answer: Any) -> dict[str, Any]:
    node: dict[str, Any] = answer.json()["results"][0]
    return node


def test_everybody_sees_what_each_node_has_and_gives(ana: Speaker) -> None:
    making.node("n1", cpus=4, memory_mb=4096, gpus=2)
    making.active(owner=making.user("bob"), cpus=3, memory_mb=1024, gpus=1)
    making.node("n2")
    both = ana.get("nodes/").json()["results"]
    assert [(node["name"], node["jobs"], node["partitions"]) for node in both] == [
        ("n1", 1, ["default"]),
        ("n2", 0, ["default"]),
    ]
    node = both[0]
    assert (node["service"], node["reachable"], node["reason"]) == ("UP", True, "")
    assert [node[f"{what}_taken"] for what in ("cpus", "gpus")] == [3, 1]
    assert (node["memory_taken_mb"], node["memory_mb"], node["cpus"], node["gpus"]) == (1024, 4096, 4, 2)


def test_a_node_says_why_it_takes_no_jobs_and_by_whose_word(ana: Speaker) -> None:
    node = making.node()
    fleet.set_service(node, Service.DRAIN, "Its spool's disk is nearly full.", fleet.AGENT)
    fleet.ask_for(node, Service.DOWN, "it burns", actor="op")
    NodeLease.objects.update(lease_until=from_now(-timedelta(minutes=1)))
    shown = first(ana.get("nodes/"))
    assert (shown["service"], shown["own_service"], shown["wanted"]) == ("DOWN", "DRAIN", "DOWN")
    assert shown["reason"] == ("its agent is silent; Its spool's disk is nearly full. (agent); it burns (op)")
    assert shown["reachable"] is False


def test_a_node_that_does_not_reach_the_broker_says_so(ana: Speaker) -> None:
    making.node()
    NodeLease.objects.update(broker_ok_at=from_now(-2 * settings.BROKER_DEAF_AFTER))
    assert first(ana.get("nodes/"))["reason"] == "its agent does not reach the broker"


def test_nodes_are_read_in_as_many_statements_whether_one_or_fifty(
    ana: Speaker, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(50):
        making.node(f"n{number}")
    with django_assert_max_num_queries(9):
        assert len(ana.get("nodes/").json()["results"]) == 50


def test_an_operator_drains_and_resumes_a_node(operator: Speaker) -> None:
    making.active()
    drained = steer(operator, "drain", body={"reason": " new disk "})
    assert (drained.status_code, drained.json()["changed"], drained.json()["service"]) == (200, True, "DRAIN")
    assert drained.json()["outlook"] == ("n1 takes no new jobs; 1 job is there, and goes on to its end.")
    again = steer(operator, "drain", body={"reason": "new disk"})
    assert (again.status_code, again.json()["changed"]) == (200, False)
    resumed = steer(operator, "resume").json()
    assert (resumed["service"], resumed["reason"], resumed["outlook"]) == ("UP", "", "n1 takes jobs.")
    events = Node.objects.get().events.values_list("actor", "kind", "message")
    assert list(events)[1:] == [("op", "wanted DRAIN", "new disk"), ("op", "wanted UP", "")]


def test_a_node_taken_down_is_told_what_becomes_of_its_jobs(operator: Speaker) -> None:
    making.node()
    answer = steer(operator, "down", body={"reason": "it burns"}).json()
    assert Node.objects.get().wanted == Service.DOWN
    assert answer["outlook"].startswith("n1 takes no jobs; 0 jobs are there. As long as its agent answers")


def test_a_resumed_node_that_keeps_itself_out_of_service_is_not_said_to_take_jobs(operator: Speaker) -> None:
    fleet.set_service(making.node(), Service.DRAIN, "disk", fleet.AGENT)
    answer = steer(operator, "resume").json()
    assert (answer["service"], answer["changed"]) == ("DRAIN", False)
    assert answer["outlook"].startswith("n1 takes no new jobs")


@pytest.mark.parametrize("verb", ["drain", "resume", "down"])
def test_only_operators_steer(ana: Speaker, viewer: Speaker, nobody: Speaker, verb: str) -> None:
    making.node()
    for speaker in (ana, viewer):
        for name in ("n1", "no-such-node"):
            answer = steer(speaker, verb, name, {"reason": "I want to"})
            assert (answer.status_code, answer.json()["detail"]) == (
                403,
                "Only operators steer nodes. Ask one of them.",
            )
    assert steer(nobody, verb, body={"reason": "x"}).status_code == 401
    assert Node.objects.get().wanted == Service.UP


@pytest.mark.parametrize("name", ["n3", "N1", "%00", "n1%0A", "%F0%9F%92%A9", "%C3%28"])
def test_an_unknown_node_is_told_with_those_that_there_are(operator: Speaker, name: str) -> None:
    making.node("n1")
    making.node("n2")
    answer = steer(operator, "drain", name, {"reason": "disk"})
    assert answer.status_code == 404
    assert answer.json()["detail"].endswith("There are: n1, n2.")


@pytest.mark.parametrize(("body", "words"), BAD_REASONS)
@pytest.mark.parametrize("verb", ["drain", "down"])
def test_an_odd_reason_is_refused_at_its_field(
    operator: Speaker, verb: str, body: object, words: str
) -> None:
    making.node()
    answer = steer(operator, verb, body=body)
    assert answer.status_code == 400
    assert words in answer.json()["reason"][0]
    assert Node.objects.get().wanted == Service.UP


def test_a_field_that_there_is_not_is_refused(operator: Speaker) -> None:
    making.node()
    answer = steer(operator, "drain", body={"reason": "disk", "why": "disk"})
    assert (answer.status_code, list(answer.json())) == (400, ["why"])


def test_a_field_whose_name_cannot_be_written_is_told_all_the_same(operator: Speaker) -> None:
    making.node()
    answer = steer(operator, "drain", body='{"reason": "disk", "\\ud800": 1}')
    assert (answer.status_code, list(answer.json())) == (400, ["\\ud800"])


def test_a_reason_that_comes_in_chunks_is_heard(operator: Speaker) -> None:
    making.node()
    headers = {**operator.headers, "content-type": "application/json", "transfer-encoding": "chunked"}
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/api/v1/nodes/n1/drain/",
        "headers": [(name.encode(), text.encode()) for name, text in headers.items()],
    }
    request = ASGIRequest(scope, BytesIO(b'{"reason": "new disk"}'))
    answer = SteerNodeView.as_view(verb="drain")(request, name="n1")
    assert (answer.status_code, Node.objects.get().wanted_reason) == (200, "new disk")


def test_nodes_are_steered_by_nothing_but_a_post(operator: Speaker) -> None:
    making.node()
    for method in ("GET", "PUT", "PATCH", "DELETE"):
        assert operator.ask(method, "nodes/n1/drain/", {"reason": "x"}).status_code == 405
