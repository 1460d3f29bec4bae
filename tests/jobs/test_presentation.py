"""The words of the pages, without a page."""

from datetime import UTC, datetime, timedelta

import pytest

from jobs.presentation import moments, text
from jobs.presentation.output import ShownOutput
from jobs.presentation.reasons import HEADINGS
from jobs.states import Reason

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("past", "words"),
    [
        (timedelta(seconds=-30), "just now"),
        (timedelta(seconds=4), "just now"),
        (timedelta(seconds=12), "12 s ago"),
        (timedelta(minutes=4, seconds=59), "4 min ago"),
        (timedelta(hours=47), "47 h ago"),
        (timedelta(days=2), "2 d ago"),
        (timedelta(days=40), "15 Oct 2026"),
    ],
)
def test_an_age_has_one_unit(past: timedelta, words: str) -> None:
    assert moments.age(NOON - past, NOON) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(3, "0:03"), (2528, "42:08"), (4360, "1:12:40"), (100_000, "27:46:40"), (-1, "0:00")],
)
def test_a_stopwatch_runs_like_one(seconds: int, words: str) -> None:
    assert moments.stopwatch(NOON, NOON + timedelta(seconds=seconds)) == words


def test_what_has_not_begun_has_no_length() -> None:
    assert moments.stopwatch(None, NOON) == moments.span(None, NOON) == ""


def test_a_moment_is_told_with_its_zone() -> None:
    assert moments.exactly(NOON) == "Tue 24 Nov 2026, 12:00:00 UTC"


@pytest.mark.parametrize(
    ("count", "words"),
    [(0, "0 bytes"), (1, "1 byte"), (65536, "64 KiB"), (1_572_864, "1.5 MiB"), (5 * 2**40, "5 TiB")],
)
def test_a_size_has_a_unit(count: int, words: str) -> None:
    assert moments.size(count) == words


def test_every_reason_has_a_heading() -> None:
    assert set(HEADINGS) == set(Reason)


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        (b"plain\ttext\n", "plain\ttext\n"),
        (b"a\r\nb\rc\r\r\nd", "a\nb\nc\nd"),
        (b"\x1b[1;31mred\x1b[0m", "red"),
        (b"\x1b]8;;javascript:alert(1)\x1b\\link\x1b]8;;\x1b\\", "link"),
        (b"\x1b(B\x1b=x", "x"),
        (b"bell\x07 nul\x00 del\x7f esc\x1b", "bell␇ nul␀ del␡ esc␛"),
        ("\x85 \u202eevil".encode(), "� �evil"),
        (b"\xff\xfe", "��"),
    ],
)
def test_output_becomes_harmless_text(data: bytes, shown: str) -> None:
    assert text.readable(data) == shown


@pytest.mark.parametrize(
    ("data", "kept"),
    [
        (b"whole", b"whole"),
        ("für".encode()[:2], b"f"),
        ("a€".encode()[:3], b"a"),
        ("a😀".encode()[:4], b"a"),
        ("a😀".encode(), "a😀".encode()),
        (b"a\x80\x80\x80\x80", b"a\x80\x80\x80\x80"),
        (b"a\x1b", b"a"),
        (b"a\x1b[3", b"a"),
        (b"a\x1b[31m", b"a\x1b[31m"),
        (b"a\x1b]0;tit", b"a"),
        (b"a\r", b"a"),
        (b"", b""),
    ],
)
def test_an_unfinished_end_waits_for_the_rest(data: bytes, kept: bytes) -> None:
    assert text.whole(data) == kept


def test_a_flood_of_unfinished_sequences_is_read_in_time() -> None:
    begun = datetime.now(UTC)
    for flood in (b"\x1b]" * 32768, b"\x1b[" * 32768, b"\x1b]x" * 21845, b"\x1b[0" * 21845):
        text.whole(flood)
        text.readable(flood)
    assert datetime.now(UTC) - begun < timedelta(seconds=5)


def test_a_piece_knows_its_place() -> None:
    piece = ShownOutput.of(b"x" * 100, start=150_000, size=200_000, ended=False)
    assert (piece.before, piece.after, piece.earlier) == ("146.5 KiB", "48.7 KiB", 150_000 - 65_536)
    assert piece.next == 150_100
