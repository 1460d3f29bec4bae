"""What cannot be is refused at its field: what was asked, what is allowed, what to do. Nothing is stored."""

import json
from pathlib import Path

import pytest
from django.conf import settings

from jobs import fields, spec
from jobs.models import Job, Partition
from tests import making
from tests.jobs.api.conftest import Speaker

TOO_LONG = "#" * (fields.LARGEST_SCRIPT + 1)


@pytest.fixture(autouse=True)
def _one_node(db: None) -> None:
    making.node(cpus=4, memory_mb=8192, gpus=1)
    Partition.objects.update(max_time_limit="24:00:00")


BAD: list[tuple[str, object, list[str]]] = [
    ("script", "", ["is empty", "Give the commands"]),
    ("script", " \n\t ", ["is empty", "Give the commands"]),
    ("script", None, ["is empty"]),
    ("script", 7, ["is empty"]),
    ("script", "echo \0", ["NUL byte", "Remove it"]),
    ("script", TOO_LONG, ["1,048,577 bytes", "at most 1,048,576 (1 MiB)", "Put data into a file"]),
    ("cpus", 0, ["0 is not possible", "from 1"]),
    ("cpus", -1, ["-1 is not possible", "from 1"]),
    ("cpus", 1.5, ["'1.5' is not a whole number", "from 1"]),
    ("cpus", 10**9, ["1,000,000,000 is not possible"]),
    ("cpus", True, ["not a whole number"]),
    ("cpus", [1], ["not a whole number"]),
    ("cpus", 5, ["asks for 5 CPUs", "largest node", "(n1) has 4", "Ask for at most 4"]),
    ("memory", "8 potatoes", ["'8 potatoes' is not understood", "512M, 2G", "more than 0"]),
    ("memory", "-1", ["'-1' is not understood", "more than 0"]),
    ("memory", -1, ["'-1' is not understood"]),
    ("memory", 0, ["'0' is not understood", "more than 0"]),
    ("memory", "0G", ["more than 0"]),
    ("memory", {"a": 1}, ["must be a number of MiB"]),
    ("memory", "9G", ["asks for 9 GiB of memory", "has 8 GiB", "Ask for at most 8 GiB"]),
    ("gpus", -1, ["-1 is not possible"]),
    ("gpus", 2, ["asks for 2 GPUs", "has 1"]),
    ("time_limit", 0, ["'0' is not possible", "from 1 second"]),
    ("time_limit", "-1", ["'-1' is not possible", "from 1 second"]),
    ("time_limit", -60, ["'-60' is not possible"]),
    ("time_limit", "soon", ["'soon' is not possible", "1:30:00"]),
    ("time_limit", "25h", ["1 d 1 h is above the maximum", "1 d", "Ask for less"]),
    ("time_limit", "9" * 50, ["is not possible"]),
    (
        "work_dir",
        "/no/such/directory",
        ["'/no/such/directory' does not exist", "Give a directory that is there"],
    ),
    ("work_dir", "relative/path", ["'relative/path' is relative", "whole path"]),
    ("work_dir", "/etc/passwd", ["'/etc/passwd' is not a directory"]),
    ("work_dir", 7, ["must be a path"]),
    ("work_dir", "/tmp\0", ["must be a path"]),
    ("name", "n" * 129, ["129 characters", "at most 128", "Shorten it"]),
    ("name", "two\nlines", ["line break", "one line"]),
    ("name", "red\x1b[31m", ["control character"]),
    ("name", "   ", ["must be text"]),
    ("name", 7, ["must be text"]),
    ("partition", "nowhere", ["no partition 'nowhere'", "There are: default"]),
    ("partition", 7, ["no partition '7'"]),
    ("arguments", "one", ["must be a list"]),
    ("arguments", [1], ["must be text"]),
    ("arguments", ["\0"], ["without a NUL byte"]),
    ("arguments", ["a"] * 257, ["257 arguments", "at most 256"]),
    ("environment", ["A"], ["must map names"]),
    ("environment", {"A B": "1"}, ["'A B' is no variable's name"]),
    ("environment", {"A": 1}, ["must be text"]),
    ("environment", {"A": "x" * 70_000}, ["70,001 bytes", "at most 65,536"]),
    ("environment", {f"A{n}": "" for n in range(257)}, ["257 variables", "at most 256"]),
    ("hold", "perhaps", ["'perhaps' is neither yes nor no"]),
    ("priority", "high", ["'high' is not a whole number"]),
    ("priority", -(10**7), ["-10,000,000 is not possible"]),
]


@pytest.mark.parametrize(("field", "value", "words"), BAD, ids=lambda value: str(value)[:24])
def test_an_odd_field_is_refused_with_what_to_do(
    ana: Speaker, field: str, value: object, words: list[str]
) -> None:
    """F11: that it is too large, too."""
    answer = ana.submit(**{field: value})
    assert answer.status_code == 400, answer.content[:200]
    assert list(answer.json()) == [field]
    (message,) = answer.json()[field]
    assert [word for word in words if word not in message] == [], message
    assert not Job.objects.exists()


def test_every_odd_field_is_told_at_once(ana: Speaker) -> None:
    answer = ana.submit(script="", cpus=0, name="n" * 129)
    assert set(answer.json()) == {"script", "cpus", "name"}


def test_more_of_everything_than_any_node_has_together_is_refused(ana: Speaker) -> None:
    making.node("n2", cpus=8, memory_mb=1024)
    answer = ana.submit(cpus=8, memory="8G")
    assert "No single node of partition default has 8 CPUs, 8 GiB together" in answer.json()["cpus"][0]


COLUMNS = {field.name for field in Job._meta.get_fields()}
NOT_ASKED_FOR = [*sorted(COLUMNS - set(spec.FIELDS)), "pk", "owner_id"]


@pytest.mark.parametrize("name", NOT_ASKED_FOR)
def test_no_column_of_a_job_can_be_set_but_those_that_are_asked_for(ana: Speaker, name: str) -> None:
    answer = ana.submit(**{name: 1})
    assert answer.status_code == 400
    assert list(answer.json()) == [name]
    assert not Job.objects.exists()


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("{", "not JSON"),
        ("\xff", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        ('{"cpus": NaN}', "NaN is not a number of JSON"),
        ('{"cpus": Infinity}', "Infinity is not a number of JSON"),
        ('{"cpus": -Infinity}', "-Infinity is not a number of JSON"),
        ("[" * 100_000, "not JSON"),
        ('{"a":' * 50_000, "not JSON"),
        (f'{{"cpus": {"9" * 5000}}}', "not JSON"),
        ("[]", "must be one JSON object"),
        ("7", "must be one JSON object"),
        ("null", "must be one JSON object"),
        ('"text"', "must be one JSON object"),
    ],
    ids=lambda value: str(value)[:12],
)
def test_a_body_that_is_no_request_is_refused_in_words(ana: Speaker, body: str | bytes, words: str) -> None:
    answer = ana.ask("POST", "jobs/", body)
    assert answer.status_code == 400
    assert words in answer.json()["detail"]
    assert not Job.objects.exists()


@pytest.mark.parametrize(
    "kind",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/jsonp", ""],
)
def test_another_content_type_is_refused(ana: Speaker, kind: str) -> None:
    answer = ana.client.generic(
        "POST", "/api/v1/jobs/", data='{"script": "true"}', content_type=kind, headers=ana.headers
    )
    assert answer.status_code == 415
    assert "application/json" in answer.json()["detail"]


def test_a_body_that_is_too_large_is_refused_before_it_is_read_whole(ana: Speaker) -> None:
    answer = ana.ask("POST", "jobs/", '{"script": "' + "x" * settings.DATA_UPLOAD_MAX_MEMORY_SIZE + '"}')
    assert answer.status_code == 413
    assert answer.json() == {
        "detail": "The request is larger than 2,097,152 bytes; a script has at most 1,048,576 (1 MiB)."
    }


def test_the_largest_script_is_accepted_and_its_size_is_said_the_same_everywhere(ana: Speaker) -> None:
    assert ana.submit(script="#" * fields.LARGEST_SCRIPT).status_code == 201
    schema = ana.client.get("/api/v1/schema/?format=json", headers=ana.headers).content.decode()
    assert "1 MiB" in schema
    assert "1 MB" not in schema


@pytest.mark.parametrize(
    "field", ["script", "name", "partition", "work_dir", "memory", "time_limit", "cpus", "hold"]
)
@pytest.mark.parametrize(
    "text", ["\ud800", "\u202e", "\u0000", "'; DROP TABLE jobs_job; --", "\U0001d51e" * 500]
)
def test_odd_text_is_never_a_fault_of_ours(ana: Speaker, field: str, text: str) -> None:
    answer = ana.ask("POST", "jobs/", json.dumps({"script": "true", field: text}))
    assert answer.status_code in (201, 400)
    assert answer.status_code == 201 or list(answer.json()) == [field]


@pytest.mark.parametrize("name", ["\ud800", "\u0000", "odd", "__class__", "script__x"])
def test_an_unknown_field_is_told_with_those_that_there_are(ana: Speaker, name: str) -> None:
    answer = ana.ask("POST", "jobs/", json.dumps({"script": "true", name: 1}))
    assert answer.status_code == 400
    assert "script, name, arguments" in str(answer.json())


def test_a_work_directory_is_looked_for_where_it_is(ana: Speaker, tmp_path: Path) -> None:
    assert ana.submit(work_dir=str(tmp_path)).status_code == 201
