"""A platform for the browser tests, a browser for each module, and a page that tolerates no fault."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, Response

from tests.client import Client
from tests.platform import Platform
from tests.ui.chromium import chromium

TELL_VIOLATIONS = """document.addEventListener('securitypolicyviolation',
    (violation) => console.error(`violation: ${violation.violatedDirective} ${violation.blockedURI}`))"""
LEFT = "net::ERR_ABORTED"
"""A look for new output that was under way when the page was left."""


@pytest.fixture(scope="package")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    with Platform(tmp_path_factory.mktemp("ui") / "var") as running:
        yield running


@pytest.fixture(scope="package")
def client(platform: Platform) -> Client:
    """The API, to make jobs that are not themselves the test."""
    return Client(platform.url, platform.cli_token)


@pytest.fixture(scope="module")
def chrome() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


class Watch:
    """Notes whatever a clean page does not do."""

    def __init__(self, page: Page, host: str) -> None:
        self.faults: list[str] = []
        self.expected: set[int] = set()
        self._host = host
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.faults.append(f"error: {error}"))
        page.on("request", self._request)
        page.on("requestfailed", self._failed)
        page.on("response", self._response)
        page.add_init_script(TELL_VIOLATIONS)

    def _console(self, message: ConsoleMessage) -> None:
        refused = any(f"status of {status}" in message.text for status in self.expected)
        if message.type in ("error", "warning") and not refused:
            self.faults.append(f"{message.type}: {message.text}")

    def _request(self, request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme in ("http", "https") and address.netloc != self._host:
            self.faults.append(f"request to another host: {request.url}")

    def _failed(self, request: Request) -> None:
        if request.failure != LEFT:
            self.faults.append(f"failed: {request.url} {request.failure}")

    def _response(self, response: Response) -> None:
        if response.status >= 400 and response.status not in self.expected:
            self.faults.append(f"{response.status}: {response.url}")


@pytest.fixture
def page(chrome: Browser, platform: Platform) -> Iterator[Page]:
    """A new browser window, wide; the test fails when a page in it was not clean."""
    context = chrome.new_context(base_url=platform.url, viewport={"width": 1440, "height": 900})
    context.set_default_timeout(30_000)
    opened = context.new_page()
    watch = Watch(opened, urlsplit(platform.url).netloc)
    vars(opened)["watch"] = watch
    yield opened
    context.close()
    assert watch.faults == []


@pytest.fixture(scope="module")
def cookies(chrome: Browser, platform: Platform) -> list[Any]:
    """Those of an operator who has logged in."""
    context = chrome.new_context(base_url=platform.url)
    log_in(context.new_page(), platform)
    found = context.cookies()
    context.close()
    return found


@pytest.fixture
def logged_in(page: Page, cookies: list[Any]) -> Page:
    """The operator's."""
    page.context.add_cookies(cookies)
    return page


def log_in(page: Page, platform: Platform) -> None:
    """By user name and password."""
    page.goto("/login/")
    page.fill("#id_username", "admin")
    page.fill("#id_password", platform.admin_password)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/jobs/")
