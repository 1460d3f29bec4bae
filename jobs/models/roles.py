"""The roles: owners see their own jobs, viewers read every job, operators steer every job and node."""

from typing import TYPE_CHECKING, cast

from django.db.models import prefetch_related_objects

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User

OPERATORS = "operator"
VIEWERS = "viewer"


def is_operator(user: "User | AnonymousUser") -> bool:
    """May steer every job and node."""
    return user.is_active and (user.is_superuser or OPERATORS in _groups_of(user))


def sees_every_job(user: "User | AnonymousUser") -> bool:
    """May read every job."""
    return user.is_active and (user.is_superuser or not _groups_of(user).isdisjoint({OPERATORS, VIEWERS}))


def _groups_of(user: "User | AnonymousUser") -> set[str]:
    """Asked once for each request, which has a user object of its own."""
    known = cast("User", user)  # nobody else is active
    prefetch_related_objects([known], "groups")
    return {group.name for group in known.groups.all()}
