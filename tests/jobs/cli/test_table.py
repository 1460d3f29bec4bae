"""What a person sees of jobs, on wide and narrow screens, in colour and without."""

import io
import re
from datetime import UTC, datetime

import pytest

from jobs.cli.screen import Screen, cut, pad, safe, width_of
from jobs.cli.sheet import sheet
from jobs.cli.table import table
from tests.jobs.cli.scripted import ended, job, running

NOW = datetime(2026, 1, 2, 4, 0, tzinfo=UTC)
LONG = "a-long-name-that-tells-what-the-job-is-for-and-for-whom-and-since-when"
JOBS = [
    running(id=41271234, name=LONG),
    job(id=8),
    ended("FAILED", id=7, detail="Its script ended with exit code 3.", gpus=2),
]


def lines(width: int | None, *, colour: bool = False, owners: bool = True) -> list[str]:
    return table(JOBS, NOW, Screen(width=width, colour=colour), owners=owners)


def test_a_pipe_gets_every_word() -> None:
    assert [re.split(r"  +", line.strip()) for line in lines(None, owners=False)] == [
        ["ID", "STATE", "NAME", "CPU", "MEMORY", "GPU", "WAITED", "RAN", "WHERE / WHY"],
        ["41271234", "RUNNING", LONG, "4", "8 GiB", "0", "00:50:00", "00:10:00", "n1"],
        ["8", "PENDING", "train", "4", "8 GiB", "0", "01:00:00", "-", "It needs 4 CPUs; n1 has 1 free."],
        [
            *("7", "FAILED", "train", "4", "8 GiB", "2", "00:50:00", "00:01:00"),
            "Its script ended with exit code 3.",
        ],
    ]


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_a_row_fits_its_screen_with_its_number_and_state_whole(width: int) -> None:
    rows = lines(width)
    assert max(map(width_of, rows)) <= width
    assert rows[1].startswith("41271234  RUNNING")
    assert rows[2].startswith("       8  PENDING")


@pytest.mark.parametrize(
    ("width", "titles"),
    [
        (60, "ID STATE NAME WHERE / WHY"),
        (80, "ID STATE NAME OWNER RAN WHERE / WHY"),
        (120, "ID STATE NAME OWNER CPU MEMORY GPU WAITED RAN WHERE / WHY"),
    ],
)
def test_the_narrower_the_fewer_columns(width: int, titles: str) -> None:
    assert " ".join(lines(width)[0].split()) == titles


def test_a_platform_without_gpus_has_no_column_for_them() -> None:
    assert "GPU" not in table([job()], NOW, Screen(), owners=False)[0]


def test_only_the_state_has_a_colour() -> None:
    assert "  \x1b[36mRUNNING\x1b[0m  " in lines(120, colour=True)[1]
    assert [re.sub(r"\x1b\[\d*m", "", line) for line in lines(120, colour=True)] == lines(120)


def test_a_job_named_like_its_state_is_no_trouble() -> None:
    row = table([job(name="PENDING")], NOW, Screen(width=80, colour=True), owners=False)[1]
    assert row.count("\x1b[35m") == 1
    assert row.index("\x1b[35m") < row.rindex("PENDING")


def test_control_characters_are_shown_and_not_obeyed() -> None:
    odd = job(name="a\x1b]0;b\x07\u202e", detail="no\nline", url="u\x9b2J", work_dir="/\r", owner="\t")
    told = "\n".join([*sheet(odd, NOW, Screen()), *table([odd], NOW, Screen(), owners=True)])
    assert all(line.isprintable() for line in told.split("\n"))
    assert "a\\x1b]0;b\\x07\\u202e" in told
    assert "no\\nline" in told


def test_wide_and_combining_characters_are_counted_in_columns() -> None:
    assert width_of("日本") == 4
    assert cut("日本語", 4) == "日…"
    assert width_of("e\u0301") == 1
    assert pad("日", 4, right=True) == "  日"
    assert safe("日本語 é") == "日本語 é"


def test_a_running_job_that_is_being_stopped_says_so() -> None:
    stopping = running(phase="STOPPING", detail="Being stopped for ana.")
    assert table([stopping], NOW, Screen(), owners=False)[1].endswith("Being stopped for ana.")


def test_a_job_is_told_with_what_it_asked_for_and_how_it_ended() -> None:
    facts = {"exit_status": "3:0", "reason": "NonZeroExitCode", "cpu_seconds": 2.04, "max_rss_mb": 1536.2}
    words = {"advice": "Look at it.", "last_words": "no\x1b[31m such\nfile"}
    held = {"allocation": {"enforcement": {"memory": {"level": "watched"}, "cpu": {"level": "advisory"}}}}
    told = "\n".join(sheet(ended("FAILED", **facts, **words, **held), NOW, Screen()))
    for fact in (
        "Job 12 train",
        "FAILED",
        "NonZeroExitCode",
        "3:0",
        "2.0 s of CPU, 1.5 GiB of memory at most",
        "memory watched, cpu advisory",
        "Look at it.",
        "  file",
        "4 CPUs, 8 GiB",
        "2 h",
        "(ran 00:01:00)",
    ):
        assert fact in told


class Terminal(io.StringIO):
    """A stream that is one, without a size."""

    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
        raise OSError


@pytest.mark.parametrize(
    ("variables", "colour"),
    [
        ({"TERM": "xterm"}, True),
        ({"TERM": "xterm", "NO_COLOR": "1"}, False),
        ({"TERM": "dumb"}, False),
        ({}, False),
    ],
)
def test_colour_is_for_terminals_that_want_it(variables: dict[str, str], colour: bool) -> None:
    assert Screen.of(Terminal(), variables).colour is colour


def test_a_pipe_has_neither_width_nor_colour() -> None:
    assert Screen.of(io.StringIO(), {"TERM": "xterm", "COLUMNS": "60"}) == Screen(width=None, colour=False)


def test_the_width_is_told_or_80() -> None:
    assert Screen.of(Terminal(), {"COLUMNS": "60"}).width == 60
    assert Screen.of(Terminal(), {"COLUMNS": "wide"}).width == 80
