"""The pages that say no. They read nothing from the database, because it may be the reason."""

import logging
import secrets
import sys

from django.core.exceptions import BadRequest, PermissionDenied, RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from jobs.outage import RETRY_AFTER, words_for

logger = logging.getLogger("jobs.views")

TOO_LARGE = "The form holds more than 2 MB; a script has at most 1 MiB. Go back, and put data into a file."
COOKIES = (
    "The form was too old, or your browser sent no cookie with it. Nothing was changed. "
    "Go back, reload the page and send it again."
)


def _page(status: int, title: str, words: str) -> HttpResponse:
    context = {"status": status, "title": title, "words": words}
    return HttpResponse(render_to_string("refusals/refusal.html", context), status=status)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """400."""
    words = "The address or the form is not as it should be. Go back and try again."
    if isinstance(exception, BadRequest) and str(exception):
        words = str(exception)
    if isinstance(exception, RequestDataTooBig):
        words = TOO_LARGE
    return _page(400, "That does not make sense", words)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """403."""
    told = isinstance(exception, PermissionDenied) and str(exception)
    return _page(403, "You may not do that", told or "Your account does not have the right to do that.")


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """404: the same for what is not there and for what is not this person's to see."""
    return _page(
        404, "Nothing is here", "There is no such page, or no job with this number that you may see."
    )


def unreadable(why: str) -> HttpResponse:
    """404: a job's output that is not there, or not now."""
    return _page(404, "The output cannot be read", why)


def form_expired(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403, of Django's protection against forged forms."""
    return _page(403, "Please send that again", COOKIES)


def broken(request: HttpRequest) -> HttpResponse:
    """500. The number finds the fault in the log. 503, when the database is the reason."""
    if (words := words_for(sys.exception())) is not None:
        return _unavailable(words)
    number = secrets.token_hex(4)
    logger.error("answered 500 to %s, reference %s", request.method, number)
    words = "The fault is ours and is in the log. Jobs are not touched by it: they wait and run as before."
    return _page(500, "Something went wrong", f"{words} Tell an operator the number {number}.")


def _unavailable(words: str) -> HttpResponse:
    again = "Go back and send it again: a form that is sent twice makes one job. Jobs that run go on."
    answer = _page(503, "Not just now", f"{words} {again}")
    answer["Retry-After"] = RETRY_AFTER
    return answer
