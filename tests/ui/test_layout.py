"""Every page fits into every window, loads cleanly, and names what it shows."""

import pytest
from playwright.sync_api import Page, expect

from tests.client import Client

pytestmark = [pytest.mark.ui, pytest.mark.timeout(240)]

WIDTHS = (320, 390, 820, 1440)
LONG_NAME = "a-very-long-name-without-a-single-space-" * 3


@pytest.fixture(scope="module")
def jobs(client: Client) -> list[int]:
    """Some jobs that need room."""
    made = [
        client.submit("for i in $(seq 1 40); do printf 'wide%.0s ' $(seq 1 80); echo; done", name=LONG_NAME),
        client.submit(f"echo {'x' * 3000}; exit 1", name="<script>alert(1)</script>"),
    ]
    client.ended(*made)
    return [*made, client.submit("sleep 60", hold=True, name="held")]


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_reaches_beyond_the_window(logged_in: Page, jobs: list[int], width: int) -> None:
    logged_in.set_viewport_size({"width": width, "height": 800})
    vars(logged_in)["watch"].expected.add(404)
    pages = [
        "/jobs/",
        "/jobs/?show=all",
        "/jobs/?state=running",
        "/jobs/new/",
        "/account/",
        "/account/password/",
    ]
    pages += [f"/jobs/{number}/" for number in jobs] + [f"/jobs/{jobs[-1]}/cancel/", "/jobs/987654/"]
    wide = {}
    for address in pages:
        logged_in.goto(address)
        reach = logged_in.evaluate("document.documentElement.scrollWidth - innerWidth")
        if reach > 0:
            wide[address] = reach
    assert wide == {}


def test_the_login_fits_as_well(page: Page) -> None:
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        page.goto("/login/?t=nothing")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_name_of_markup_is_text(logged_in: Page, jobs: list[int]) -> None:
    dialogs: list[str] = []
    logged_in.on("dialog", lambda dialog: dialogs.append(dialog.message))
    logged_in.goto(f"/jobs/{jobs[1]}/")
    expect(logged_in.locator("h1")).to_contain_text("<script>alert(1)</script>")
    logged_in.goto("/jobs/")
    expect(logged_in.locator(".jobs")).to_contain_text("<script>alert(1)</script>")
    logged_in.goto("/admin/jobs/job/")
    assert dialogs == []


def test_the_keyboard_reaches_the_content_first(logged_in: Page) -> None:
    logged_in.goto("/jobs/new/")
    logged_in.keyboard.press("Tab")
    expect(logged_in.get_by_text("Skip to the content")).to_be_focused()


def test_what_can_be_typed_into_has_a_name(logged_in: Page, jobs: list[int]) -> None:
    nameless = """[...document.querySelectorAll('input:not([type=hidden]), textarea, select, button, a')]
        .filter((e) => !(e.labels?.length || e.getAttribute('aria-label') || e.textContent.trim()))
        .map((e) => e.outerHTML)"""
    for address in ("/jobs/", "/jobs/new/", "/account/", "/account/password/", f"/jobs/{jobs[0]}/"):
        logged_in.goto(address)
        assert logged_in.evaluate(nameless) == []
