"""A job's own input and output files: opened as it would open them, and never anything but a plain file."""

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from jobs.execution import launcher, stream_file
from jobs.execution.launcher import Refused
from jobs.execution.records import Outcome
from jobs.execution.spool import AttemptDirectory, Spool
from jobs.execution.stream_file import CHUNK, JOINED, MOVED, Piece
from tests.eventually import eventually
from tests.jobs.execution import running

GOES_ON = "until [ -e go ]; do sleep 0.05; done"


def shown(directory: AttemptDirectory, stream: str = "stdout", offset: int = 0) -> Piece:
    return stream_file.read(directory.path, stream, offset, CHUNK)


def ended(spool: Spool, script: str, **changes: Any) -> AttemptDirectory:
    directory = running.started(spool, script, **changes)
    assert running.outcome_of(directory).exit_code == 0
    return directory


def test_a_job_writes_its_own_file_and_the_platform_shows_it(spool: Spool, tmp_path: Path) -> None:
    directory = ended(spool, "echo out; echo err >&2", stdout=str(tmp_path / "o.txt"))
    assert (tmp_path / "o.txt").read_text() == "out\nerr\n"
    assert shown(directory) == Piece(b"out\nerr\n", 8, 8)
    assert shown(directory, "stderr") == Piece(b"", 0, 0, JOINED)


def test_the_error_output_is_apart_where_it_was_asked_for(spool: Spool, tmp_path: Path) -> None:
    directory = ended(spool, "echo out; echo err >&2", stderr=str(tmp_path / "e.txt"))
    assert (running.said(directory), (tmp_path / "e.txt").read_text()) == ("out\n", "err\n")
    assert (shown(directory).data, shown(directory, "stderr").data) == (b"out\n", b"err\n")


def test_one_file_for_both_is_opened_once(spool: Spool, tmp_path: Path) -> None:
    both = str(tmp_path / "b.txt")
    directory = ended(spool, "echo out; echo err >&2", stdout=both, stderr=both)
    assert shown(directory).data == shown(directory, "stderr").data == b"out\nerr\n"


def test_a_job_reads_its_input(spool: Spool, tmp_path: Path) -> None:
    (tmp_path / "in").write_text("given")
    assert running.said(ended(spool, "cat", stdin=str(tmp_path / "in"))) == "given"


def test_a_file_that_is_there_is_emptied_or_appended_to(spool: Spool, tmp_path: Path) -> None:
    file = tmp_path / "o.txt"
    file.write_text("old\n")
    ended(spool, "echo first", stdout=str(file))
    assert file.read_text() == "first\n"
    directory = ended(spool, "echo second", job_id=2, stdout=str(file), open_mode="append")
    assert file.read_text() == "first\nsecond\n"
    assert shown(directory) == Piece(b"second\n", 7, 7)


def test_dev_null_keeps_nothing_and_says_so(spool: Spool) -> None:
    directory = ended(spool, "cat; echo gone", stdout="/dev/null", stdin="/dev/null")
    assert shown(directory) == Piece(b"", 0, 0, stream_file.DROPPED)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("missing", "the output file cannot be opened: [Errno 2] No such file or directory"),
        ("directory", "the output file cannot be opened: [Errno 21] Is a directory"),
        ("link", "is a link, and links are not followed"),
        ("pipe", "the output file cannot be opened: [Errno 6] No such device or address"),
        ("read pipe", "is not a plain file"),
        ("device", "is not a plain file"),
    ],
)
def test_f44_a_file_that_is_none_keeps_the_job_from_starting(
    spool: Spool, tmp_path: Path, kind: str, words: str
) -> None:
    """F44: in the system's own words, and nothing is followed, waited for or emptied."""
    (tmp_path / "kept").write_text("kept")
    place = odd(kind, tmp_path)
    reader = os.open(place, os.O_RDONLY | os.O_NONBLOCK) if kind == "read pipe" else None
    outcome = running.run(spool, "echo ran", stdout=str(tmp_path / "kept"), stderr=str(place))
    if reader is not None:
        os.close(reader)
    assert words.removeprefix("the output file") in str(outcome.launch_error)
    assert "error output file" in str(outcome.launch_error)
    assert (tmp_path / "kept").read_text() == "kept"


def odd(kind: str, directory: Path) -> Path:
    """Something that is no plain file."""
    place = directory / "odd"
    match kind:
        case "directory":
            place.mkdir()
        case "link":
            place.symlink_to(directory / "kept")
        case "pipe" | "read pipe":
            os.mkfifo(place)
        case "missing":
            return directory / "none" / "odd"
        case "device":
            return Path("/dev/zero")
    return place


def test_an_attempt_that_never_runs_empties_no_file(spool: Spool, tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("kept")
    directory = running.prepared(spool, "echo ran", stdout=str(tmp_path / "kept"))
    directory.bury()
    assert isinstance(launcher.launch(directory), Refused)
    assert (tmp_path / "kept").read_text() == "kept"


@pytest.mark.parametrize("own", [True, False], ids=["its own file", "the platform's"])
@pytest.mark.parametrize("becomes", ["nothing", "directory", "link", "pipe", "another"])
def test_f31_f56_output_that_is_moved_is_not_followed(
    spool: Spool, tmp_path: Path, becomes: str, own: bool
) -> None:
    """F31, F56: deleted or replaced while the job runs; the job goes on, and its readers are told."""
    (tmp_path / "kept").write_text("secret")
    directory = running.started(spool, f"echo hello; {GOES_ON}", **own_file(tmp_path, own=own))
    file = tmp_path / "odd" if own else directory.stdout
    eventually(lambda: shown(directory).data == b"hello\n", within=running.LONG)
    file.unlink()
    if becomes == "another":
        (tmp_path / "another").write_text("secret")
        (tmp_path / "another").rename(file)
    elif becomes != "nothing":
        odd(becomes, tmp_path).rename(file)
    expected = b"secret" if becomes == "another" and not own else b""
    assert (shown(directory).data, shown(directory).note) == (expected, "" if expected else MOVED)
    (directory.path / "go").touch()
    assert running.outcome_of(directory).exit_code == 0


WAITS = "sleep 600 & wait"
WORDS = b"jobsite: *** job 1 reached its time limit of 0:00:00; it is being stopped ***\n"


@pytest.mark.parametrize("named", [("stdout",), ("stderr",), ("stdout", "stderr")], ids=" and ".join)
def test_the_limit_is_told_where_the_errors_of_the_job_go(
    spool: Spool, tmp_path: Path, named: tuple[str, ...]
) -> None:
    files = {name: tmp_path / name for name in named}
    outcome = stopped(spool, f"echo mine >&2; {WAITS}", **files)
    assert outcome.cause == "limit"
    *others, errors = [file.read_bytes() for file in files.values()]
    assert errors == b"mine\n" + WORDS
    assert (others, running.said(spool.attempt(1, 1))) == ([b""] * (len(named) - 1), "")
    assert outcome.last_words.splitlines() == ["mine", WORDS.decode().rstrip()]


@pytest.mark.parametrize("becomes", ["nothing", "directory", "link", "pipe", "read pipe"])
def test_a_file_that_is_none_any_more_keeps_no_job_beyond_its_limit(
    spool: Spool, tmp_path: Path, becomes: str
) -> None:
    """It is not followed, waited for or made again: the line goes to the attempt's own file."""
    (tmp_path / "kept").write_text("kept")
    errors = tmp_path / "errors"
    reader = f"exec 3<>{tmp_path}/odd; " if becomes == "read pipe" else ""
    odd(becomes if becomes != "nothing" else "missing", tmp_path)
    moved = f"mv -T {tmp_path}/odd {errors}; " if becomes != "nothing" else ""
    outcome = stopped(spool, f"{reader}rm {errors}; {moved}{WAITS}", stderr=errors)
    assert (outcome.cause, outcome.exit_signal) == ("limit", signal.SIGTERM)
    assert running.said(spool.attempt(1, 1)) == WORDS.decode()
    assert (tmp_path / "kept").read_text() == "kept"
    assert errors.exists() is (becomes != "nothing")


def stopped(spool: Spool, script: str, **files: Path) -> Outcome:
    """Run to its limit."""
    named = {name: str(path) for name, path in files.items()}
    return running.run(spool, script, time_limit_seconds=0.4, grace_seconds=20.0, **named)


def own_file(directory: Path, *, own: bool) -> dict[str, str]:
    return {"stdout": str(directory / "odd")} if own else {}


@pytest.mark.parametrize(
    "note",
    [
        '{"stdout": {"path": "/etc/passwd"}}',
        '{"stdout": {"path": "stdout", "device": 1, "inode": 1, "begins": 0}}',
        '{"stdout": {"path": "/proc/self/mem", "device": 1, "inode": 1, "begins": -5}}',
        '{"stdout": {"path": "/a\\u0000", "device": 1, "inode": 1, "begins": 0}}',
        '{"stdout": {"path": "/\\ud800", "device": 1, "inode": 1, "begins": 0}}',
        '{"stdout": 7}',
        "[]",
        "nothing",
    ],
)
def test_a_note_that_somebody_made_up_opens_nothing(spool: Spool, note: str) -> None:
    directory = ended(spool, "echo hello")
    (directory.path / "streams.json").write_text(note)
    assert shown(directory) == Piece(b"", 0, 0, MOVED)


@pytest.mark.parametrize(("begins", "note"), [(2**62, ""), (2**70, MOVED), (10**400, MOVED)])
def test_a_place_in_a_file_that_somebody_made_up_is_not_read(
    spool: Spool, tmp_path: Path, begins: int, note: str
) -> None:
    directory = ended(spool, "echo hello", stdout=str(tmp_path / "out"))
    noted = json.loads((directory.path / "streams.json").read_text())
    noted["stdout"]["begins"] = begins
    (directory.path / "streams.json").write_text(json.dumps(noted))
    assert shown(directory) == Piece(b"", 0, 0, note)


def test_a_file_of_another_account_is_not_shown_though_a_note_names_it(spool: Spool, tmp_path: Path) -> None:
    directory = ended(spool, "echo hello")
    theirs = Path("/etc/passwd")
    if os.geteuid() == 0:
        theirs = tmp_path / "theirs"
        theirs.write_text("secret")
        os.chown(theirs, 65534, 65534)
    facts = theirs.stat()
    note = {"path": str(theirs), "device": facts.st_dev, "inode": facts.st_ino, "begins": 0}
    (directory.path / "streams.json").write_text(json.dumps({"stdout": note}))
    assert shown(directory) == Piece(b"", 0, 0, MOVED)
