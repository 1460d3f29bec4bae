"""What a client may ask for, in the address and in the body. Nothing reaches a query by a name of theirs."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Self

from django.conf import settings
from django.http import QueryDict
from rest_framework.exceptions import ParseError, UnsupportedMediaType, ValidationError
from rest_framework.request import Request

from jobs.api.errors import BodyTooLarge
from jobs.execution.output import STREAMS
from jobs.models import Job
from jobs.models.job import JobQuerySet
from jobs.states import State

PAGE: Final = 50
LARGEST_PAGE: Final = 200
LARGEST_NUMBER: Final = 2**63 - 1
_YES_OR_NO: Final = {"true": True, "1": True, "false": False, "0": False}


@dataclass(frozen=True, kw_only=True)
class Page:
    """Which jobs, and how many of them."""

    states: tuple[State, ...] = ()
    mine: bool = False
    limit: int = PAGE
    before: int | None = None

    @classmethod
    def read(cls, query: QueryDict) -> Self:
        """What the address asks for. Raises ValidationError with what is allowed."""
        given = _given(query, ("state", "mine", "limit", "before"))
        return cls(
            states=tuple(_state(word) for word in given["state"].split(",")) if "state" in given else (),
            mine=_yes_or_no("mine", given.get("mine", "false")),
            limit=_number("limit", given.get("limit", str(PAGE)), 1, LARGEST_PAGE),
            before=_number("before", given["before"], 1, LARGEST_NUMBER) if "before" in given else None,
        )

    def of(self, jobs: JobQuerySet) -> list[Job]:
        """This page of these jobs, newest first, and one job more when another page follows."""
        if self.states:
            jobs = jobs.filter(state__in=self.states)
        if self.before is not None:
            jobs = jobs.filter(pk__lt=self.before)
        return list(jobs.order_by("-pk")[: self.limit + 1])


@dataclass(frozen=True, kw_only=True)
class Piece:
    """Which stream of a job's output, and from which byte."""

    stream: str = "stdout"
    start: int = 0

    @classmethod
    def read(cls, query: QueryDict) -> Self:
        """What the address asks for. Raises ValidationError with what is allowed."""
        given = _given(query, ("from", "stream"))
        stream = given.get("stream", "stdout")
        if stream not in STREAMS:
            raise _odd("stream", stream, f"it is one of {', '.join(STREAMS)}")
        return cls(stream=stream, start=_number("from", given.get("from", "0"), 0, LARGEST_NUMBER))


def read_object(request: Request) -> dict[str, object]:
    """The body, which is one JSON object of at most 2 MB. Never more than that is read."""
    if request.content_type.partition(";")[0].strip().lower() != "application/json":
        raise UnsupportedMediaType(request.content_type or "none", "Send the job as application/json.")
    allowed = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    body = request._request.read(allowed + 1)
    if len(body) > allowed:
        raise BodyTooLarge(allowed)
    try:
        content = json.loads(body, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise ParseError(f"The body is not JSON: {error}.") from None
    if not isinstance(content, dict):
        raise ParseError('The body must be one JSON object, such as {"script": "#!/bin/sh\\necho hello"}.')
    return content


def _no_number(word: str) -> object:
    raise ValueError(f"{word} is not a number of JSON")


def _given(query: QueryDict, allowed: Iterable[str]) -> dict[str, str]:
    """The parameters that have a value, each given at most once and under a name that there is."""
    for name in query:
        if name not in allowed:
            raise ValidationError({name: [f"There is no such parameter. There are: {', '.join(allowed)}."]})
        if len(query.getlist(name)) > 1:
            raise ValidationError({name: ["It is given more than once. Give it once."]})
    return {name: value for name in query if (value := query.get(name, ""))}


def _state(word: str) -> State:
    try:
        return State(word.strip().upper())
    except ValueError:
        raise _odd("state", word, f"it is one or more of {', '.join(State)}, with commas between") from None


def _yes_or_no(name: str, word: str) -> bool:
    if word.lower() not in _YES_OR_NO:
        raise _odd(name, word, "it is true or false")
    return _YES_OR_NO[word.lower()]


def _number(name: str, word: str, least: int, most: int) -> int:
    if not (word.isascii() and word.isdecimal() and len(word) < 20 and least <= int(word) <= most):
        raise _odd(name, word, f"it is a whole number from {least} to {most}")
    return int(word)


def _odd(name: str, value: str, allowed: str) -> ValidationError:
    return ValidationError({name: [f"You asked for {value[:64]!r}; {allowed}."]})
