"""Amounts and times as people write them, and as they are written back."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs import resources
from jobs.resources import Capacity


@pytest.mark.parametrize(
    ("text", "mib"),
    [
        ("512", 512), (512, 512), ("1", 1), ("0.5", 1), (1.5, 2), ("512M", 512), ("512 m", 512),
        ("512MiB", 512), ("1K", 1), ("1025K", 2), ("2G", 2048), ("2gb", 2048), ("1.5GiB", 1536),
        (" 2G ", 2048), ("1T", 1024 * 1024), ("1024T", 1024 * 1024 * 1024),
    ],
)  # fmt: skip
def test_memory_is_read(text: str | float, mib: int) -> None:
    assert resources.parse_memory(text) == mib


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0",
        "0G",
        "-1",
        "8 potatoes",
        "1e3",
        "G",
        "1.2.3",
        "1,5G",
        "٣",
        "2GG",
        "0x10",
        "1025T",
        "9" * 13,
        True,
        "nan",
    ],
)
def test_memory_that_is_none_is_refused_with_what_is_allowed(text: str | float) -> None:
    with pytest.raises(ValueError, match=r"is not understood\. Give .*more than 0"):
        resources.parse_memory(text)


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("90", timedelta(minutes=90)), (90, timedelta(minutes=90)), ("1.5", timedelta(seconds=90)),
        ("0.01", timedelta(seconds=1)), ("1:30", timedelta(seconds=90)), ("1:30:00", timedelta(minutes=90)),
        ("1-12", timedelta(hours=36)), ("1-12:30", timedelta(hours=36, minutes=30)),
        ("1-12:00:01", timedelta(hours=36, seconds=1)), ("90m", timedelta(minutes=90)),
        ("2h", timedelta(hours=2)), ("1d", timedelta(days=1)), ("1h30m", timedelta(minutes=90)),
        ("45s", timedelta(seconds=45)), ("1D", timedelta(days=1)), ("365d", timedelta(days=365)),
        ("0-0:0:1", timedelta(seconds=1)),
    ],
)  # fmt: skip
def test_a_time_limit_is_read(text: str | float, span: timedelta) -> None:
    assert resources.parse_time_limit(text) == span


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0",
        0,
        "0s",
        "-1",
        -1,
        "soon",
        "1:2:3:4",
        "1-",
        "-1-0",
        "366d",
        "99999999d",
        "1e9",
        "٣",
        "1m1h",
        True,
        "inf",
        "0.0",
    ],
)
def test_a_time_limit_that_is_none_is_refused_with_what_is_allowed(text: str | float) -> None:
    with pytest.raises(ValueError, match="is not possible"):
        resources.parse_time_limit(text)


@given(st.integers(1, 365 * 86400))
def test_a_time_limit_as_slurm_writes_it_is_read_back(seconds: int) -> None:
    span = timedelta(seconds=seconds)
    written = resources.format_duration(span)
    assert resources.parse_time_limit(written) == span


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    for parse in (resources.parse_memory, resources.parse_time_limit):
        try:
            assert parse(text)
        except ValueError as error:
            assert len(str(error)) < 400  # noqa: PT017 - any other error fails the test


@pytest.mark.parametrize(
    ("mib", "text"),
    [
        (1, "1 MiB"),
        (1023, "1023 MiB"),
        (1024, "1 GiB"),
        (1536, "1.5 GiB"),
        (2**20, "1 TiB"),
        (3 * 2**19, "1.5 TiB"),
    ],
)
def test_memory_is_written_for_people(mib: int, text: str) -> None:
    assert resources.format_memory(mib) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (7, "7 s"),
        (184, "3 min 4 s"),
        (7500, "2 h 5 min"),
        (129600, "1 d 12 h"),
        (86401, "1 d 1 s"),
    ],
)
def test_a_time_is_written_for_people(seconds: int, text: str) -> None:
    assert resources.describe_duration(timedelta(seconds=seconds)) == text


@pytest.mark.parametrize(
    ("asked", "fits"),
    [
        ((2, 100, 1), True),
        ((3, 100, 1), False),
        ((2, 101, 1), False),
        ((2, 100, 2), False),
        ((1, 1, 0), True),
    ],
)
def test_a_job_fits_where_nothing_of_it_is_more(asked: tuple[int, int, int], fits: bool) -> None:
    assert Capacity(*asked).fits_in(Capacity(2, 100, 1)) is fits


def test_amounts_are_written_in_the_plural_where_that_is_right() -> None:
    assert str(Capacity(1, 2048)) == "1 CPU, 2 GiB"
    assert str(Capacity(2, 512, 1)) == "2 CPUs, 512 MiB, 1 GPU"
