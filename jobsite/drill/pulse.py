"""What moves on for as long as each part of the sandbox does its work, by the rows that it writes."""

from collections.abc import Callable
from datetime import datetime
from typing import Final, TypeVar

from django.db import DatabaseError, InterfaceError, connection

from jobs.models import NodeLease
from jobsite.drill.sandbox import NODE
from jobsite.run import health

Answer = TypeVar("Answer")
Moment = datetime | None


def asked(question: Callable[[], Answer]) -> Answer | None:
    """What the database answers. None: it is away at the moment."""
    try:
        return question()
    except (DatabaseError, InterfaceError):
        connection.close()
        return None


def node() -> Moment:
    """Its agent renews its lease."""
    return health.node_until(NODE)


def broker() -> Moment:
    """The agent has reached the broker."""
    return NodeLease.objects.values_list("broker_ok_at", flat=True).get(node__name=NODE)


def leader() -> Moment:
    """A scheduler leads."""
    return health.leader_until()


class Pulse:
    """Moves on after it was taken for the first time, or does not. While nobody answers, it has no pulse."""

    def __init__(self, *moments: Callable[[], Moment]) -> None:
        self._moments: Final = moments
        self._before: list[Moment] | None = None

    def moves(self) -> bool:
        """Every moment is later than at the first look."""
        now = asked(lambda: [moment() for moment in self._moments])
        if now is None or None in now:
            return False
        if self._before is None:
            self._before = now
            return False
        return all(later > before for later, before in zip(now, self._before, strict=True))  # type: ignore[operator]
