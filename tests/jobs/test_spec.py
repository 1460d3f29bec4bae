"""A request is read the same whichever way it came, with every error at its field."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs import fields, spec
from jobs.errors import InvalidSpec
from jobs.files import Files
from jobs.resources import Capacity
from jobs.spec import JobSpec, NodeSize, PartitionRule
from jobs.states import OpenMode
from jobs.warning_signal import WarningSignal

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
N1, N2 = NodeSize("n1", Capacity(8, 1024, 0)), NodeSize("n2", Capacity(2, 8192, 2))
RULES = [PartitionRule("default", HOUR, DAY, (N1, N2)), PartitionRule("short", HOUR / 60, HOUR, ())]


def parse(**raw: object) -> JobSpec:
    return spec.parse({"script": "true", **raw}, RULES, "default", is_directory=lambda path: path == "/there")


def errors(**raw: object) -> dict[str, list[str]]:
    with pytest.raises(InvalidSpec) as refusal:
        parse(**raw)
    return refusal.value.errors


def test_what_is_left_out_has_its_default() -> None:
    asked = parse()
    assert (asked.name, asked.cpus, asked.memory_mb, asked.gpus) == ("job", 1, 1024, 0)
    assert (asked.partition, asked.time_limit, asked.work_dir) == ("default", HOUR, "")
    assert (asked.arguments, asked.environment, asked.priority, asked.hold) == ((), {}, 0, False)


def test_a_forms_empty_texts_are_left_out_and_its_texts_are_read_as_json_is() -> None:
    empty = dict.fromkeys(set(spec.FIELDS) - {"script"}, "")
    assert parse(**empty) == parse()
    assert parse(cpus="2", memory="512", hold="on", priority="-3") == parse(
        cpus=2, memory=512, hold=True, priority=-3
    )


def test_a_signal_and_a_requeue_are_asked_for_in_words_or_json() -> None:
    asked = parse(signal="B:USR1@30", requeue="on", max_attempts="3")
    assert asked.warning == WarningSignal(10, 30, to_shell=True)
    assert (asked.requeue, asked.max_attempts) == (True, 3)
    assert (parse().warning, parse().requeue, parse().max_attempts) == (None, False, 5)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("signal", "USR9", "no signal"),
        ("signal", True, "must be a text"),
        ("signal", "USR1@3600", "3600 s before a limit of 3600 s"),
        ("requeue", "maybe", "neither yes nor no"),
        ("max_attempts", "0", "from 1 to 100"),
    ],
)
def test_an_odd_course_is_refused_at_its_field(field: str, value: object, words: str) -> None:
    assert words in errors(**{field: value})[field][0]


def test_a_partition_has_its_own_limits() -> None:
    assert parse(partition="short").time_limit == HOUR / 60
    assert (
        "above the maximum of partition short, 1 h"
        in errors(partition="short", time_limit="61")["time_limit"][0]
    )


def test_the_longest_limit_of_a_partition_is_allowed() -> None:
    assert parse(time_limit="1d").time_limit == DAY


def test_a_partition_without_nodes_refuses_no_amount() -> None:
    assert parse(partition="short", cpus=1000).cpus == 1000


def test_a_job_is_measured_against_single_nodes() -> None:
    assert parse(cpus=8, memory=1024).cpus == 8
    assert list(errors(cpus=8, memory=2048)) == ["cpus"]
    assert set(errors(cpus=9, memory=9000, gpus=3)) == {"cpus", "memory", "gpus"}


def test_the_script_stays_as_it_is() -> None:
    script = "#!/bin/sh\r\n\techo ü \n\n"
    assert parse(script=script).script == script


@pytest.mark.parametrize("size", [fields.LARGEST_SCRIPT, fields.LARGEST_SCRIPT + 1])
def test_a_scripts_size_is_that_of_its_bytes(size: int) -> None:
    script = "ü" * (size // 2) + "x" * (size % 2)
    if size <= fields.LARGEST_SCRIPT:
        assert parse(script=script).script == script
    else:
        assert list(errors(script=script)) == ["script"]


@pytest.mark.parametrize("name", ["n" * 128, "<b>", "名前", "a b", "-rf"])
def test_a_name_is_any_line_of_text(name: str) -> None:
    assert parse(name=name).name == name


def test_a_work_directory_is_one_that_is_there() -> None:
    assert parse(work_dir="/there").work_dir == "/there"
    assert list(errors(work_dir="/elsewhere")) == ["work_dir"]


def test_an_error_keeps_its_fields_and_reads_line_by_line() -> None:
    with pytest.raises(InvalidSpec) as refusal:
        parse(cpus=0, odd=1)
    assert set(refusal.value.errors) == {"cpus", "odd"}
    assert {line.partition(":")[0] for line in str(refusal.value).splitlines()} == {"cpus", "odd"}


def test_two_requests_that_mean_the_same_have_one_fingerprint() -> None:
    assert spec.fingerprint(parse(time_limit="60")) == spec.fingerprint(parse(time_limit="1h", name="job"))
    for change in (
        {"cpus": 2},
        {"script": "false"},
        {"environment": {"A": "1"}},
        {"hold": True},
        {"priority": -1},
    ):
        assert spec.fingerprint(parse(**change)) != spec.fingerprint(parse())


ANYTHING: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(spec.FIELDS) | st.text(max_size=8), ANYTHING, max_size=6))
def test_anything_at_all_is_read_or_refused_at_its_field(raw: dict[str, Any]) -> None:
    try:
        asked = spec.parse(raw, RULES, "default", is_directory=lambda _: False)
    except InvalidSpec as refusal:
        assert refusal.errors  # noqa: PT017 - any other error fails the test
        return
    assert asked.cpus >= 1
    assert timedelta(seconds=1) <= asked.time_limit <= DAY


def test_files_of_its_own_are_named_from_the_root_or_from_the_work_directory() -> None:
    asked = parse(
        work_dir="/there",
        stdin_path="/there/in",
        stdout_path="%j.out",
        stderr_path="/dev/null",
        open_mode="append",
    )
    assert asked.files == Files("/there/in", "%j.out", "/dev/null", OpenMode.APPEND)
    assert parse(stdout_path="o").files == Files(stdout_path="o")


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("stdout_path", "%q.out", "stands for nothing here"),
        ("stderr_path", "/gone/x", "directory '/gone' of the error output file does not exist"),
        ("stdin_path", "gone/x", "directory '/there/gone' of the input file does not exist"),
        ("stdout_path", 7, "must be a path"),
        ("stdout_path", "a\0b", "must be a path"),
        ("open_mode", "overwrite", "'overwrite' is not known. Give truncate"),
    ],
)
def test_an_odd_file_is_refused_at_its_field(field: str, value: object, words: str) -> None:
    assert words in errors(**{"work_dir": "/there", field: value})[field][0]
