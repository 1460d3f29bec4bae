"""Keys to the platform: API tokens, one-time login links, and how often a login was tried.

Only hashes are stored.
"""

import hashlib
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import models
from django.db.models import Value

from jobs.models.clock import ClockTimestamp, from_now

if TYPE_CHECKING:
    from django.contrib.auth.models import User

LOGIN_LINK_LIFE = timedelta(minutes=15)
LOGIN_FAILURES_ALLOWED = 5
LOGIN_FAILURES_WITHIN = timedelta(minutes=1)


def _hash(raw: str) -> str:
    """A token has 256 random bits, so that one plain round of SHA-256 is enough."""
    return hashlib.sha256(raw.encode()).hexdigest()


class ApiTokenManager(models.Manager["ApiToken"]):
    """Makes tokens and finds whose they are."""

    def issue(self, user: "User", name: str) -> str:
        """Make a token and answer it. It is not kept and cannot be shown again."""
        raw = f"jst_{secrets.token_urlsafe(32)}"
        self.create(user=user, name=name, digest=_hash(raw))
        return raw

    def owner_of(self, raw: str) -> "User | None":
        """The active user whose token this is. None: nobody's, revoked, or the user is not active."""
        token = self.filter(digest=_hash(raw), user__is_active=True).select_related("user").first()
        if token is None:
            return None
        self.filter(pk=token.pk).update(last_used_at=ClockTimestamp())
        return token.user


class ApiToken(models.Model):
    """A bearer token of a user, for the API and the command line."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=64)
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(db_default=ClockTimestamp())
    last_used_at = models.DateTimeField(null=True)

    objects = ApiTokenManager()

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return self.name


class LoginLinkManager(models.Manager["LoginLink"]):
    """Makes one-time login links and redeems them."""

    def issue(self, user: "User") -> str:
        """Make a link's secret, good once within 15 minutes."""
        raw = secrets.token_urlsafe(32)
        self.create(user=user, digest=_hash(raw), expires_at=from_now(LOGIN_LINK_LIFE))
        return raw

    def redeem(self, raw: str) -> "User | None":
        """The user whose link this is, once. None: unknown, used before, or too old."""
        link = self.filter(digest=_hash(raw), user__is_active=True)
        won = link.filter(used_at=None, expires_at__gt=ClockTimestamp()).update(used_at=ClockTimestamp())
        return get_user_model().objects.get(login_links__digest=_hash(raw)) if won == 1 else None


class LoginLink(models.Model):
    """A link that logs its user in once."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="login_links")
    digest = models.CharField(max_length=64, unique=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    objects = LoginLinkManager()

    def __str__(self) -> str:
        return f"login link of {self.user_id}"


class LoginAttemptManager(models.Manager["LoginAttempt"]):
    """Counts the logins that failed, in the database: a restart, or a second web process, forgets nothing."""

    def begin(self, user_name: str, address: str) -> bool:
        """Before a password is looked at: note the attempt. False: there were too many; nothing is looked at.

        It is noted first and counted after, so that many at once are not more than one after the other.
        """
        recent = ClockTimestamp() - Value(LOGIN_FAILURES_WITHIN, output_field=models.DurationField())
        self.filter(at__lt=recent).delete()
        attempt = self.create(key=_attempt_key(user_name, address))
        if self.filter(key=attempt.key).count() <= LOGIN_FAILURES_ALLOWED:
            return True
        attempt.delete()
        return False

    def forget(self, user_name: str, address: str) -> None:
        """The login succeeded: those before it count no more."""
        self.filter(key=_attempt_key(user_name, address)).delete()


def _attempt_key(user_name: str, address: str) -> str:
    return _hash(f"{user_name.casefold()}\0{address}")


class LoginAttempt(models.Model):
    """One login by password that did not succeed, or has not yet. Kept for a minute."""

    key = models.CharField(max_length=64, db_index=True, help_text="Of the user name and the address.")
    at = models.DateTimeField(db_default=ClockTimestamp(), db_index=True)

    objects = LoginAttemptManager()

    def __str__(self) -> str:
        return f"login attempt at {self.at}"
