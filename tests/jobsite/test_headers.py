"""Every answer carries the security headers; every address is closed to strangers but those listed here."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.conf import settings
from django.contrib.staticfiles import finders
from django.test import AsyncClient, Client
from django.urls import URLPattern, URLResolver, get_resolver

from jobsite.headers import SECURE_CSP
from tests import making

pytestmark = pytest.mark.django_db

PUBLIC = {"healthz", "readyz", "login/"}
"""What strangers may ask for. Who adds an address that is open to them adds it here, and says why."""
CLOSED = {301, 302, 401, 403, 405}
FILLED = {"int": "1", "str": "x", "path": "x", "slug": "x"}


def addresses(resolver: Any = None, before: str = "") -> Iterator[str]:
    """Every address of the platform, as it is written."""
    for pattern in (resolver or get_resolver()).url_patterns:
        written = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from addresses(pattern, written)
        else:
            assert isinstance(pattern, URLPattern)
            yield written


def example(address: str) -> str:
    """One address of this form."""
    plain = re.sub(r"\(\?P<\w+>[^)]*\)", "x", address)
    filled = re.sub(r"<(?:(\w+):)?\w+>", lambda match: FILLED[match[1] or "str"], plain)
    return "/" + filled.replace("^", "").replace("$", "").replace("\\Z", "")


def public(client: Client) -> set[str]:
    """The addresses at which a stranger gets more than a closed door."""
    return {
        address
        for address in addresses()
        for method in ("GET", "POST")
        if client.generic(method, example(address)).status_code not in CLOSED
    }


def test_every_address_is_closed_to_strangers_but_those_that_are_listed() -> None:
    assert public(Client()) == PUBLIC


@pytest.mark.parametrize(
    "path", ["/", "/healthz", "/readyz", "/login/", "/api/v1/jobs/", "/admin/", "/no/such/page", "/jobs/1/"]
)
@pytest.mark.parametrize("known", [False, True])
def test_every_answer_carries_the_security_headers(path: str, known: bool) -> None:
    client = Client()
    if known:
        client.force_login(making.user())
    answer = client.get(path)
    assert answer["Content-Security-Policy"].startswith("default-src 'self'")
    assert "unsafe" not in answer["Content-Security-Policy"]
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["Referrer-Policy"] == "same-origin"
    assert answer["Permissions-Policy"] == "camera=(), geolocation=(), microphone=()"


def test_a_file_carries_them_too() -> None:
    assert finders.find("admin/css/base.css")
    answer: Any = Client().get("/static/admin/css/base.css")
    answer.close()
    assert answer.status_code == 200
    assert answer["Content-Security-Policy"] == SECURE_CSP


def test_an_answer_to_an_asynchronous_server_carries_them_too() -> None:
    answer = async_to_sync(AsyncClient().get)("/healthz")
    assert answer["Content-Security-Policy"] == SECURE_CSP


def test_a_host_that_is_not_allowed_is_refused() -> None:
    assert Client().get("/healthz", headers={"host": "evil.example"}).status_code == 400


def test_cookies_are_out_of_reach_of_scripts_and_other_sites() -> None:
    assert (settings.SESSION_COOKIE_HTTPONLY, settings.SESSION_COOKIE_SAMESITE) == (True, "Lax")
    assert settings.SESSION_COOKIE_NAME.endswith(str(settings.ENVIRONMENT.port))
