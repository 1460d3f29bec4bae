"""What every view of the API shares: it speaks JSON, and knows who asks."""

from typing import TYPE_CHECKING, cast

from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request
from rest_framework.views import APIView

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from rest_framework.parsers import BaseParser
    from rest_framework.renderers import BaseRenderer


class OnlyJson(BaseContentNegotiation):
    """JSON, whatever the client says that it prefers."""

    def select_parser(self, request: Request, parsers: "list[BaseParser]") -> "BaseParser":  # type: ignore[override]
        return parsers[0]

    def select_renderer(  # type: ignore[override]
        self, request: Request, renderers: "list[BaseRenderer]", format_suffix: str | None = None
    ) -> "tuple[BaseRenderer, str]":
        return renderers[0], renderers[0].media_type


class ApiView(APIView):
    """One address of the API."""

    content_negotiation_class = OnlyJson

    @property
    def person(self) -> "User":
        """Who asks. Nobody gets this far without being logged in."""
        return cast("User", self.request.user)
