"""The roles: owners see their own jobs, viewers read every job, operators steer every job and node."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User

OPERATORS = "operator"
VIEWERS = "viewer"


def is_operator(user: "User | AnonymousUser") -> bool:
    """May steer every job and node."""
    return user.is_active and (user.is_superuser or user.groups.filter(name=OPERATORS).exists())


def sees_every_job(user: "User | AnonymousUser") -> bool:
    """May read every job."""
    return user.is_active and (
        user.is_superuser or user.groups.filter(name__in=[OPERATORS, VIEWERS]).exists()
    )
