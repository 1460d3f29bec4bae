"""One job: its page, and its output as bytes that a page or a disk can keep."""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Final

from asgiref.sync import sync_to_async
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from jobs import downloads, forms
from jobs.execution import output
from jobs.models import Job
from jobs.models.roles import is_operator
from jobs.presentation import actions, containment
from jobs.presentation.event import ShownEvent
from jobs.presentation.job import ShownJob
from jobs.presentation.output import ShownOutput
from jobs.presentation.usage import ShownUsage
from jobs.states import Hold
from jobs.views import refusals
from jobs.views.finding import find, may_change, person

if TYPE_CHECKING:
    from django.contrib.auth.models import User

ERRORS: Final = "stderr"


@require_safe
def job(request: HttpRequest, pk: int) -> HttpResponse:
    """Everything about one job. Without `from` in the address, the end of its output."""
    found = find(request, pk)
    user = person(request)
    changes = may_change(request, found)
    now = timezone.now()
    at_end = "from" not in request.GET
    shown = ShownJob(found, now)
    stream = _stream(request)
    piece = _tail(found, stream) if at_end else _piece(found, stream, _start(request))
    held = found.allocations.filter(attempt=found.attempt).first()
    context = {
        "now": now,
        "shown": shown,
        "output": piece,
        "is_error_output": stream == ERRORS,
        "which": f"stream={stream}&" if stream == ERRORS else "",
        "last_line": piece.last_line if at_end and shown.ended_badly else "",
        "at_end": at_end,
        "follows": at_end and not found.is_final,
        "events": [ShownEvent(event, found) for event in found.events.all()],
        "actions": actions.offered(found, user, may_change=changes, operates=_lifts(found, user)),
        "usage": ShownUsage.of(found, held.usage if held else [], now),
        "holds": containment.shown(held.enforcement if held else {}),
        "is_owner": found.owner_id == user.pk,
        "rerun_key": forms.new_key(),
    }
    return render(request, "jobs/job.html", context)


@require_safe
def job_output(request: HttpRequest, pk: int) -> HttpResponse:
    """The output from one byte on, as text that is harmless to show, for the page that follows it."""
    found = find(request, pk)
    stream = _stream(request)
    piece = _piece(found, stream, _start(request))
    headers = {
        **downloads.headers_of(found, stream),
        "X-Jobsite-Next": str(piece.next),
        "X-Jobsite-Size": str(piece.size),
        "X-Jobsite-Ended": "true" if piece.ended else "false",
        "X-Jobsite-Attempt": str(found.attempt),
        "X-Jobsite-Version": ShownJob(found, timezone.now()).version,
    }
    return HttpResponse(piece.text, content_type="text/plain; charset=utf-8", headers=headers)


@require_safe
def download(request: HttpRequest, pk: int) -> HttpResponseBase:
    """All that it has written by now, byte for byte. What cannot be read is refused: it is no empty file."""
    found = find(request, pk)
    stream = _stream(request)
    whole = output.read(found, found.attempt, stream, 0, 0)
    if whole.note:
        return refusals.unreadable(whole.note)
    size = whole.size
    headers = {**downloads.headers_of(found, stream), "Content-Length": str(size)}
    return StreamingHttpResponse(
        _pieces(found, stream, size), content_type="application/octet-stream", headers=headers
    )


def _lifts(found: Job, user: "User") -> bool:
    """An operator, asked for only where that makes a difference."""
    return found.hold == Hold.ADMIN and is_operator(user)


async def _pieces(found: Job, stream: str, size: int) -> AsyncIterator[bytes]:
    read = sync_to_async(output.more, thread_sensitive=False)
    start = 0
    while start < size:
        data = await read(found, found.attempt, stream, start, size - start)
        if not data:  # cut short by the job meanwhile, or its node is silent
            return
        yield data
        start += len(data)


def _tail(found: Job, stream: str) -> ShownOutput:
    start, chunk = output.tail(found, found.attempt, stream)
    return _shown(start, chunk)


def _piece(found: Job, stream: str, start: int) -> ShownOutput:
    return _shown(start, output.read(found, found.attempt, stream, start))


def _shown(start: int, chunk: output.Chunk) -> ShownOutput:
    return ShownOutput.of(chunk.data, start=start, size=chunk.size, ended=chunk.ended, note=chunk.note)


def _stream(request: HttpRequest) -> str:
    """The output, or the error output where somebody asks for it."""
    word = request.GET.get("stream", output.STREAMS[0])
    if word not in output.STREAMS:
        raise BadRequest(f"stream is {' or '.join(output.STREAMS)}, not {word[:40]!r}.")
    return word


def _start(request: HttpRequest) -> int:
    word = request.GET.get("from", "0")
    if not (word.isascii() and word.isdecimal() and len(word) < 19):
        raise BadRequest(f"from is the number of a byte, not {word[:40]!r}.")
    return int(word)
