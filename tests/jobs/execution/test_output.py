"""Output is read from a plain file of the attempt, or not at all."""

import os
import shutil
from pathlib import Path

import pytest
from django.conf import settings

from jobs.execution import far_output, output
from jobs.execution.output import CHUNK, Chunk
from jobs.execution.stream_file import MISSING
from jobs.models import Job, NodeLease
from jobs.models.clock import database_now
from tests import making

pytestmark = pytest.mark.django_db


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Job:
    monkeypatch.setattr(settings, "JOBSITE_VAR", tmp_path)
    made = making.active()
    directory_of(made).mkdir(parents=True)
    return made


def directory_of(job: Job) -> Path:
    return Path(settings.JOBSITE_VAR) / "spool" / "n1" / f"{job.pk}.1"


def write(job: Job, content: bytes, stream: str = "stdout") -> None:
    (directory_of(job) / stream).write_bytes(content)


def test_a_reader_gets_what_is_there_and_where_the_rest_will_begin(job: Job) -> None:
    write(job, b"hello")
    assert output.read(job, 1) == Chunk(b"hello", 5, 5, ended=False)
    write(job, b"hello world")
    assert output.read(job, 1, offset=5) == Chunk(b" world", 11, 11, ended=False)


def test_no_more_than_a_chunk_is_read_at_once(job: Job) -> None:
    write(job, b"x" * (CHUNK + 1))
    assert output.read(job, 1, limit=10 * CHUNK) == Chunk(b"x" * CHUNK, CHUNK, CHUNK + 1, ended=False)
    assert output.read(job, 1, limit=3).data == b"xxx"
    start, last = output.tail(job, 1)
    assert (start, last.data, last.size) == (1, b"x" * CHUNK, CHUNK + 1)


def test_an_ended_jobs_output_ends_where_the_reader_has_all_of_it() -> None:
    ended = making.ended()
    assert output.read(ended, 1) == Chunk(b"", 0, 0, ended=True, note=MISSING)


def test_f31_output_whose_directory_was_taken_away_under_a_running_job_is_said_to_be_gone(job: Job) -> None:
    """F31: no error and no silence; before the job has started, there is just none yet."""
    shutil.rmtree(directory_of(job))
    assert output.read(job, 1) == Chunk(b"", 0, 0, ended=False, note=MISSING)
    job.phase = "STARTING"
    assert output.read(job, 1).note == ""


def test_the_output_of_a_node_that_is_elsewhere_and_silent_is_not_shown_and_not_over(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(far_output, "PATIENCE", 0.01)
    shutil.rmtree(directory_of(job).parent)
    job.state = "COMPLETED"
    silent = Chunk(b"", 5, 5, ended=False, note="Node n1 does not answer, so the output cannot be shown now.")
    assert output.read(job, 1, offset=5) == silent


def test_nobody_waits_for_a_node_whose_lease_is_over(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(far_output, "ask", None)
    shutil.rmtree(directory_of(job).parent)
    NodeLease.objects.update(lease_until=database_now())
    assert not output.read(job, 1).ended
    job.state = "FAILED"
    assert output.read(job, 1).ended


def test_output_ends_only_at_its_end(job: Job) -> None:
    write(job, b"hello")
    job.state = "COMPLETED"
    assert not output.read(job, 1, limit=3).ended
    assert output.read(job, 1, offset=3).ended


def test_an_offset_beyond_the_end_reads_nothing_and_comes_back_to_the_end(job: Job) -> None:
    write(job, b"hello")
    assert output.read(job, 1, offset=2**62) == Chunk(b"", 5, 5, ended=False)


def test_there_are_two_streams_and_no_other_file_is_one(job: Job) -> None:
    write(job, b"out")
    write(job, b"secret", "script")
    assert output.read(job, 1, "stderr").note == "The error output goes where the output goes."
    for stream in ("script", "../stdout", "/etc/passwd", ""):
        assert output.read(job, 1, stream).data == b""


def test_a_job_that_has_not_started_has_no_output() -> None:
    assert output.read(making.queued(), 0) == Chunk(b"", 0, 0, ended=False)


def test_deleted_output_is_no_output(job: Job) -> None:
    """F31: a reader that was half through comes to its end."""
    assert output.read(job, 1, offset=7) == Chunk(b"", 7, 0, ended=False)


def test_a_link_a_pipe_a_directory_or_a_device_is_not_read(job: Job, tmp_path: Path) -> None:
    """F56: in the place of its output."""
    (tmp_path / "secret").write_text("secret")
    stdout = directory_of(job) / "stdout"
    stdout.symlink_to(tmp_path / "secret")
    assert output.read(job, 1).data == b""
    stdout.unlink()
    os.mkfifo(stdout)
    assert output.read(job, 1).data == b""
    stdout.unlink()
    stdout.mkdir()
    assert output.read(job, 1).data == b""
    stdout.rmdir()
    stdout.symlink_to("/dev/zero")
    assert output.read(job, 1).data == b""


def test_a_link_in_the_place_of_the_attempts_directory_is_not_followed(job: Job, tmp_path: Path) -> None:
    (tmp_path / "stdout").write_text("another's")
    directory_of(job).rmdir()
    directory_of(job).symlink_to(tmp_path)
    assert output.read(job, 1).data == b""
