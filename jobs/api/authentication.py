"""Bearer tokens. A session cookie works too, and then every change needs its CSRF token."""

from typing import TYPE_CHECKING, Final

from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from jobs.models import ApiToken

if TYPE_CHECKING:
    from django.contrib.auth.models import User

SCHEME: Final = "Bearer"


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer <token>`. Looked up at each request, so that a revoked token ends at once."""

    def authenticate(self, request: Request) -> "tuple[User, None] | None":
        """The token's user. None: no bearer token was sent, and the next way of logging in is tried."""
        scheme, _, raw = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != SCHEME.lower():
            return None
        user = ApiToken.objects.owner_of(raw.strip())
        if user is None:
            raise AuthenticationFailed(
                "This token is not known: it was mistyped or revoked, or its user is not active any more. "
                "Make a new one on your account page."
            )
        return user, None

    def authenticate_header(self, request: Request) -> str:
        """What a client is told to send; it also makes the answer 401 and not 403."""
        return f'{SCHEME} realm="jobsite"'
