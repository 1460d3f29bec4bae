"""Each field is read from what a form, a JSON body or a command line gives."""

from typing import Any

import pytest

from jobs import fields


@pytest.mark.parametrize("value", [True, "true", "on", "1", "yes", "YES", 1])
def test_yes_is_said_in_many_ways(value: object) -> None:
    assert fields.read_truth(value) is True


@pytest.mark.parametrize("value", [False, None, "", "false", "off", "0", "no", 0, " No "])
def test_no_is_said_in_as_many(value: object) -> None:
    assert fields.read_truth(value) is False


@pytest.mark.parametrize("value", ["perhaps", 2, [], {}, "truefalse"])
def test_what_is_neither_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="neither yes nor no"):
        fields.read_truth(value)


def read_whole(value: object) -> int:
    return fields.read_whole("CPUs", value, default=7, least=1, most=100)


@pytest.mark.parametrize(
    ("value", "number"), [(None, 7), ("", 7), (1, 1), ("100", 100), (" 5 ", 5), ("+5", 5), ("007", 7)]
)
def test_a_whole_number_is_read(value: object, number: int) -> None:
    assert read_whole(value) == number


@pytest.mark.parametrize(
    "value", [0, 101, "-1", 1.0, 1.5, True, "1.0", "1e1", "0x1", "٣", "1_0", "9" * 30, [], "one"]
)
def test_what_is_no_whole_number_between_the_bounds_is_refused_with_them(value: object) -> None:
    with pytest.raises(ValueError, match=r"^CPUs: .* from 1 to 100\.$"):
        read_whole(value)


def test_a_name_that_was_left_out_is_job() -> None:
    assert fields.read_name(None) == fields.read_name("") == "job"
    assert fields.read_name("  mine ") == "mine"


@pytest.mark.parametrize("name", ["a\nb", "a\rb", "a\tb", "\x1b[1m", "a\u2028b", "\u202e", "\x00"])
def test_a_name_is_one_line_that_can_be_printed(name: str) -> None:
    with pytest.raises(ValueError, match="one line of text"):
        fields.read_name(name)


def test_a_work_directory_that_was_left_out_is_a_private_one() -> None:
    assert fields.read_work_dir(None, lambda _: False) == fields.read_work_dir("", lambda _: False) == ""


def test_arguments_and_variables_keep_their_order_and_their_bytes() -> None:
    assert fields.read_arguments(["b", "", "a\n"]) == ("b", "", "a\n")
    assert fields.read_environment({"B": "", "A": "ü"}) == {"B": "", "A": "ü"}
    assert (fields.read_arguments(None), fields.read_environment(None)) == ((), {})


LIMITS: list[tuple[Any, Any, Any]] = [
    (fields.read_arguments, ["a"] * fields.MOST_ARGUMENTS, ["a"] * (fields.MOST_ARGUMENTS + 1)),
    (fields.read_name, "n" * fields.LONGEST_NAME, "n" * (fields.LONGEST_NAME + 1)),
    (fields.read_script, "#" * fields.LARGEST_SCRIPT, "#" * (fields.LARGEST_SCRIPT + 1)),
    (fields.read_priority, fields.HIGHEST_PRIORITY, fields.HIGHEST_PRIORITY + 1),
    (
        fields.read_environment,
        {"A": "x" * (fields.LARGEST_ENVIRONMENT - 1)},
        {"A": "x" * fields.LARGEST_ENVIRONMENT},
    ),
]


@pytest.mark.parametrize(("read", "most", "more"), LIMITS, ids=lambda value: getattr(value, "__name__", ""))
def test_as_much_as_is_allowed_is_read_and_one_more_is_refused(read: Any, most: Any, more: Any) -> None:
    read(most)
    with pytest.raises(ValueError, match=r"at most|Give a whole number"):
        read(more)
