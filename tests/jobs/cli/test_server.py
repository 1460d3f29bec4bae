"""How the API is asked: once more when the answer is lost, never elsewhere, and what its refusals mean."""

import json
from collections.abc import Callable

import pytest

from jobs.cli.config import Config
from jobs.cli.errors import CommandError, LostAnswerError, UnexpectedAnswerError, UnreachableError
from jobs.cli.refusals import HINTS, refusal
from jobs.cli.server import Server
from jobs.spec import FIELDS
from tests.jobs.cli.scripted import LOST, Reply, ScriptedServer, job, reply
from tests.platform import free_ports


def test_a_submit_whose_answer_is_lost_is_sent_again_with_the_same_key() -> None:
    """F02: it may have been committed."""
    with ScriptedServer([LOST, reply(job(), 200)]) as server:
        assert server.client.submit({"script": "true"})["id"] == 12
    first, second = server.asked
    assert first.headers["Idempotency-Key"] == second.headers["Idempotency-Key"]
    assert first.body == second.body


def test_two_submits_have_two_keys() -> None:
    with ScriptedServer([reply(job(), 201)]) as server:
        server.client.submit({})
        server.client.submit({})
    assert len({asked.headers["Idempotency-Key"] for asked in server.asked}) == 2


def test_an_answer_lost_twice_is_an_error_that_can_be_waited_out() -> None:
    with ScriptedServer([LOST]) as server, pytest.raises(LostAnswerError):
        server.client.submit({})
    assert len(server.asked) == 2


def test_the_token_goes_with_each_request_and_the_name_of_the_command_line_too() -> None:
    with ScriptedServer([reply(job())]) as server:
        server.client.job(12)
    assert server.asked[0].headers["Authorization"] == "Bearer jst_token"
    assert server.asked[0].headers["User-Agent"] == "jobsite-cli"


def test_nothing_is_sent_to_where_a_server_redirects() -> None:
    with ScriptedServer([reply(job())]) as other:
        moved = reply({}, 302, Location=f"{other.url}/")
        with ScriptedServer([moved]) as server, pytest.raises(UnexpectedAnswerError, match=other.url):
            server.client.job(12)
    assert other.asked == []


def test_nobody_who_listens_is_told_with_the_address() -> None:
    port = free_ports(1)[0]
    nobody = {"JOBSITE_URL": f"http://127.0.0.1:{port}", "JOBSITE_API_TOKEN": "jst_token"}
    with pytest.raises(UnreachableError, match=f"127.0.0.1:{port}: Connection refused") as unreachable:
        Server(Config.read(nobody)).job(1)
    assert unreachable.value.code == 3


def test_a_list_is_read_page_by_page_to_its_limit() -> None:
    pages = [
        reply({"results": [job(id=9), job(id=8)], "next": 8}),
        reply({"results": [job(id=7)], "next": 7}),
    ]
    with ScriptedServer(pages) as server:
        listing = server.client.jobs({"mine": "true", "state": ""}, 3)
    assert [found["id"] for found in listing.jobs] == [9, 8, 7]
    assert listing.more
    assert [asked.path.partition("?")[2] for asked in server.asked] == [
        "mine=true&limit=3",
        "mine=true&limit=1&before=8",
    ]


def test_a_filter_is_one_value_whatever_is_in_it() -> None:
    with ScriptedServer([reply({"results": [], "next": None})]) as server:
        server.client.jobs({"state": "A,B c&limit=9\n"}, 5)
    assert server.asked[0].path.endswith("?state=A,B+c%26limit%3D9%0A&limit=5")


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"{}"])
def test_what_is_no_job_is_not_taken_for_one(body: bytes) -> None:
    with ScriptedServer([Reply(200, body, {})]) as server, pytest.raises(UnexpectedAnswerError):
        server.client.job(1)


def means(status: int, content: object) -> CommandError:
    return refusal(status, None, json.dumps(content).encode(), "http://h")


def test_each_message_of_a_refused_request_is_a_line_and_each_field_has_its_hint() -> None:
    error = means(400, {"cpus": ["CPUs: 0 is not possible.", "Two."], "memory": ["M."]})
    assert error.errors == ("cpus: CPUs: 0 is not possible.", "cpus: Two.", "memory: M.")
    assert error.hints == (HINTS["cpus"], HINTS["memory"])
    assert error.code == 1


def test_every_field_has_its_hint() -> None:
    assert set(FIELDS) - {"hold"} <= set(HINTS)


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (401, 1),
        (403, 1),
        (404, 1),
        (409, 1),
        (413, 1),
        (302, 2),
        (500, 2),
        (418, 2),
        (502, 3),
        (503, 3),
        (504, 3),
    ],
)
def test_a_refusal_ends_with_its_code_and_the_servers_words(status: int, code: int) -> None:
    assert means(status, {"detail": "Said so."}).code == code


@pytest.mark.parametrize("status", [401, 403, 404, 409, 413, 503])
def test_the_servers_own_words_are_passed_on(status: int) -> None:
    assert means(status, {"detail": "Said so."}).errors == ("Said so.",)


@pytest.mark.parametrize("ask", [lambda server: server.job(1), lambda server: server.jobs({}, 5)])
def test_another_programs_404_is_not_taken_for_a_missing_job(ask: Callable[[Server], object]) -> None:
    with (
        ScriptedServer([Reply(404, b"<h1>Not Found</h1>", {})]) as server,
        pytest.raises(UnexpectedAnswerError, match="as no Jobsite does"),
    ):
        ask(server.client)
