"""The last words of a job that ended badly: the end of its error output, as text that can be shown."""

from pathlib import Path

import pytest

from jobs.execution import last_words
from jobs.execution.spool import Spool
from tests.jobs.execution import running


def test_a_bad_end_keeps_the_last_lines(spool: Spool) -> None:
    told = running.run(spool, "seq 100; echo 'it went wrong' >&2; exit 3")
    assert told.last_words.split("\n") == [*map(str, range(82, 101)), "it went wrong"]


def test_a_good_end_keeps_none(spool: Spool) -> None:
    assert running.run(spool, "echo fine").last_words == ""


def test_an_error_file_of_its_own_has_them(spool: Spool, tmp_path: Path) -> None:
    told = running.run(spool, "echo out; echo wrong >&2; exit 3", stderr=str(tmp_path / "err"))
    assert told.last_words == "wrong"


def test_without_words_in_its_error_file_the_output_has_them(spool: Spool, tmp_path: Path) -> None:
    assert running.run(spool, "echo out; exit 3", stderr=str(tmp_path / "err")).last_words == "out"


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (b"a\0b\x07", "a\ufffdb\ufffd"),
        (b"\x1b[1;31mred\x1b[0m", "red"),
        (b"\xff\xfe", "\ufffd\ufffd"),
        (b"1 %\r50 %\r100 %\n", "100 %"),
        (b"windows\r\nlines\r\n", "windows\nlines"),
        ("\u202eevil".encode(), "\ufffdevil"),
        (b"a\tb", "a b"),
        (b"", ""),
    ],
)
def test_what_does_not_print_is_not_kept(raw: bytes, shown: str) -> None:
    assert last_words.safe(raw, whole=True) == shown


def test_one_endless_line_is_cut(tmp_path: Path) -> None:
    (tmp_path / "long").write_bytes(b"\xff" * 10_000_000)
    assert 0 < len(last_words.of(str(tmp_path / "long")).encode()) <= last_words.BYTES


@pytest.mark.parametrize("trick", ["rm stdout; mkfifo stdout", "rm stdout; ln -s /etc/passwd stdout"])
def test_f56_another_in_its_place_is_not_read(spool: Spool, trick: str) -> None:
    """F56: the wrapper reads what it holds open."""
    assert running.run(spool, f"echo mine; {trick}; exit 3").last_words == "mine"
