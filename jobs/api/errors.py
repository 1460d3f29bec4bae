"""Every refusal as JSON: `{field: [messages]}` for what a person can mend at a field, else `{"detail"}`."""

from typing import Any, Final

from django.http import Http404
from rest_framework import status
from rest_framework.exceptions import APIException
from rest_framework.response import Response
from rest_framework.views import exception_handler

from jobs.errors import IdempotencyConflict, InvalidSpec
from jobs.fields import LARGEST_SCRIPT
from jobs.outage import RETRY_AFTER, words_for

NO_SUCH_JOB: Final = "No job has this number."


class BodyTooLarge(APIException):
    """The request is larger than any that is allowed."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE

    def __init__(self, allowed: int) -> None:
        super().__init__(
            f"The request is larger than {allowed:,} bytes; a script has at most {LARGEST_SCRIPT:,} (1 MiB)."
        )


class HasEnded(APIException):
    """The job has ended, so that nothing can be changed any more."""

    status_code = status.HTTP_409_CONFLICT


def answer(error: Exception, context: dict[str, Any]) -> Response | None:
    """The answer to an error of a view. None: it is a fault of ours, and Django says 500."""
    match error:
        case InvalidSpec():
            return Response(error.errors, status=status.HTTP_400_BAD_REQUEST)
        case IdempotencyConflict():
            return Response({"detail": str(error)}, status=status.HTTP_409_CONFLICT)
        case Http404():
            return Response({"detail": NO_SUCH_JOB}, status=status.HTTP_404_NOT_FOUND)
    if (words := words_for(error)) is not None:
        again = f"{words} Try again; with the same Idempotency-Key that is safe."
        return Response({"detail": again}, status=503, headers={"Retry-After": RETRY_AFTER})
    return exception_handler(error, context)
