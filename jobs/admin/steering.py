"""What the admin's actions share: who may use them, an honest message, an entry in the admin's history."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, cast

from django.contrib import messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from jobs.models.roles import is_operator

if TYPE_CHECKING:
    from django.contrib.auth.models import User

MOST_AT_ONCE = 1_000


def person(request: HttpRequest) -> "User":
    """Who asks. Nobody is in the admin without being logged in."""
    return cast("User", request.user)


def may_steer(request: HttpRequest) -> bool:
    """Operators and superusers, asked of the database once for each request."""
    known = vars(request)
    if "_may_steer" not in known:
        known["_may_steer"] = is_operator(request.user)
    return bool(known["_may_steer"])


def steer_each(
    request: HttpRequest,
    chosen: QuerySet[Any],
    act: Callable[[Any], bool],
    *,
    done: str,
    otherwise: str,
) -> None:
    """Do it to each of the chosen, and say how many it was done to and what the others were already."""
    rows = list(chosen[: MOST_AT_ONCE + 1])
    if len(rows) > MOST_AT_ONCE:
        messages.error(request, f"Nothing was done: choose at most {MOST_AT_ONCE:,} at once.")
        return
    changed = [row for row in rows if act(row)]
    write_history(request, changed, done)
    told = [f"{len(changed)} {done}"]
    if left := len(rows) - len(changed):
        told.append(f"{left} {otherwise}")
    messages.add_message(request, messages.WARNING if left else messages.SUCCESS, f"{', '.join(told)}.")


def write_history(request: HttpRequest, changed: Iterable[Model], what: str) -> None:
    """Write into the admin's history who did what to which record."""
    for row in changed:
        LogEntry.objects.log_actions(
            user_id=person(request).pk,
            queryset=[row],  # as in Django's own log_change
            action_flag=CHANGE,
            change_message=f"{what.capitalize()}.",
            single_object=True,
        )
