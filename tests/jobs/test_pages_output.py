"""A job's output on its page: the end of it, the truth about the rest, and nothing that does harm."""

import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.conf import settings

from jobs.files import Files
from jobs.models import Job
from tests import making
from tests.web import browser, text_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("outbox")]
KIB = 1024


@pytest.fixture
def spool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data directory of this test's own."""
    monkeypatch.setattr(settings, "JOBSITE_VAR", tmp_path)
    return tmp_path / "spool" / "n1"


def write(spool: Path, job: Job, data: bytes) -> Job:
    directory = spool / f"{job.pk}.{job.attempt}"
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "stdout").write_bytes(data)
    return job


def page_of(job: Job, query: str = "") -> str:
    return text_of(browser(job.owner).get(f"{job.get_absolute_url()}{query}"))


def test_output_is_on_the_page_as_text(spool: Path) -> None:
    job = write(spool, making.ended(), b"</pre><script>alert(1)</script>\n")
    raw = browser(job.owner).get(job.get_absolute_url()).content.decode()
    assert "&lt;/pre&gt;&lt;script&gt;alert(1)&lt;/script&gt;" in raw


def test_control_characters_and_colours_do_no_harm(spool: Path) -> None:
    """F55: the page shows text, whatever was written."""
    job = write(
        spool,
        making.ended(),
        b"a\x00b \x1b[31mred\x1b[0m \x1b]0;title\x07 50%\r100%\r\n \xff \xe2\x80\xaeend",
    )
    page = page_of(job)
    assert "a␀b red  50%\n100%\n � �end" in page
    assert "\x1b" not in page


def test_what_is_not_shown_is_said_and_can_be_reached(spool: Path) -> None:
    job = write(spool, making.ended(), b"first\n" + b"x" * (200 * KIB - 11) + b"last\n")
    page = page_of(job)
    assert "136 KiB of earlier output are not shown." in page
    assert "first" not in page
    assert "last\n</pre>" in page
    assert f'href="?from={72 * KIB}#log"' in page
    beginning = page_of(job, "?from=0")
    assert "<pre data-log-text>first" in beginning
    assert "136 KiB after this are not shown." in beginning
    assert f'href="?from={64 * KIB}#log"' in beginning


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (making.queued, "It has not started yet."),
        (making.starting, "It has not written anything yet."),
        (making.active, "The output is not kept any more."),
        (making.ended, "The output is not kept any more."),
    ],
)
def test_silence_is_explained(spool: Path, state: Callable[[], Job], said: str) -> None:
    page = page_of(state())
    assert said in page
    assert "/download/" not in page


def test_a_job_that_wrote_nothing_is_told_from_one_whose_output_is_gone(spool: Path) -> None:
    assert "It wrote nothing." in page_of(write(spool, making.ended(), b""))


def test_the_last_line_of_a_failed_job_stands_beside_its_reason(spool: Path) -> None:
    job = write(spool, making.ended(1), b"Traceback\nKeyError: 'x'\n\n")
    assert "title=\"The last line of its output\">KeyError: 'x'</code>" in page_of(job)
    assert "The last line" not in page_of(write(spool, making.ended(0), b"fine\n"))


@pytest.mark.parametrize("start", ["x", "-1", "1" * 30, "1.5"])
def test_an_odd_place_is_told(spool: Path, start: str) -> None:
    client = browser(making.user())
    for address in (f"/jobs/{making.ended().pk}/", f"/jobs/{making.ended().pk}/output/"):
        assert client.get(address, {"from": start}).status_code == 400


def test_a_place_behind_the_end_is_the_end(spool: Path) -> None:
    job = write(spool, making.ended(), b"short")
    answer = browser(job.owner).get(f"/jobs/{job.pk}/output/?from=99999")
    assert (answer.content, answer.headers["X-Jobsite-Next"]) == (b"", "5")


def follow(job: Job, start: int) -> tuple[str, int, bool]:
    answer = browser(job.owner).get(f"/jobs/{job.pk}/output/?from={start}")
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    ended = answer.headers["X-Jobsite-Ended"] == "true"
    return answer.content.decode(), int(answer.headers["X-Jobsite-Next"]), ended


def test_what_is_cut_in_two_by_a_look_is_shown_whole_by_the_next(spool: Path) -> None:
    job = making.active()
    text, place = "", 0
    whole = "\x1b[1mgrün\x1b[0m €\r\n".encode()
    for length in range(len(whole) + 1):
        piece, place, _ = follow(write(spool, job, whole[:length]), place)
        text += piece
    assert text == "grün €\n"


def test_an_end_that_stays_unfinished_is_shown_when_the_job_has_ended(spool: Path) -> None:
    job = write(spool, making.ended(), b"half \xe2\x82")
    assert follow(job, 0) == ("half �", 7, True)


def test_the_version_changes_with_what_the_page_has_to_say() -> None:
    job = making.queued()
    client = browser(job.owner)
    before = client.get(f"/jobs/{job.pk}/output/").headers["X-Jobsite-Version"]
    assert client.get(f"/jobs/{job.pk}/output/").headers["X-Jobsite-Version"] == before
    client.post(f"/jobs/{job.pk}/hold/")
    assert client.get(f"/jobs/{job.pk}/output/").headers["X-Jobsite-Version"] != before


async def gather(pieces: AsyncIterator[bytes]) -> bytes:
    return b"".join([piece async for piece in pieces])


def test_a_download_is_the_file_byte_for_byte(spool: Path) -> None:
    """F55: nothing of it is decoded."""
    data = bytes(range(256)) * 1000
    job = write(spool, making.ended(name="<b>"), data)
    answer: Any = browser(job.owner).get(f"/jobs/{job.pk}/download/")
    assert async_to_sync(gather)(answer.streaming_content) == data
    assert answer.headers["Content-Length"] == str(len(data))
    assert answer.headers["Content-Disposition"] == f'attachment; filename="job-{job.pk}.stdout"'
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_output_that_cannot_be_read_is_no_empty_download(spool: Path) -> None:
    job = making.ended()
    answer = browser(job.owner).get(f"/jobs/{job.pk}/download/")
    assert answer.status_code == 404
    assert "The output is not kept any more." in text_of(answer)


def test_the_error_output_of_a_job_that_keeps_it_apart_is_one_link_away(spool: Path, tmp_path: Path) -> None:
    file = tmp_path / "err"
    file.write_bytes(b"warning\n")
    job = write(spool, making.ended(files=Files(stderr_path=str(file))), b"result\n")
    facts = file.stat()
    note = {"path": str(file), "device": facts.st_dev, "inode": facts.st_ino, "begins": 0}
    (spool / f"{job.pk}.1" / "streams.json").write_text(json.dumps({"stderr": note}))
    assert f'href="/jobs/{job.pk}/?stream=stderr#log"' in page_of(job)
    page = page_of(job, "?stream=stderr")
    assert "warning" in page
    assert "result" not in page
    assert f'data-url="/jobs/{job.pk}/output/?stream=stderr&' in page
    assert browser(job.owner).get(f"/jobs/{job.pk}/output/?stream=stderr&from=0").content == b"warning\n"
    answer = browser(job.owner).get(f"/jobs/{job.pk}/download/?stream=stderr")
    assert answer.headers["Content-Disposition"] == f'attachment; filename="job-{job.pk}.stderr"'
    assert browser(job.owner).get(f"/jobs/{job.pk}/?stream=script").status_code == 400
