"""Every page does its work in a browser that runs no script."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.client import Client
from tests.platform import Platform
from tests.ui.conftest import log_in

pytestmark = [pytest.mark.ui, pytest.mark.timeout(240)]
SLOW = 20_000


@pytest.fixture
def plain(chrome: Browser, platform: Platform) -> Iterator[Page]:
    """Logged in, with scripts off."""
    context = chrome.new_context(base_url=platform.url, java_script_enabled=False)
    context.set_default_timeout(30_000)
    page = context.new_page()
    log_in(page, platform)
    yield page
    context.close()


def submit(page: Page, script: str) -> None:
    page.get_by_role("link", name="New job").first.click()
    page.fill("#id_script", script)
    page.get_by_role("button", name="Submit job").click()
    page.wait_for_url(re.compile(r"/jobs/\d+/$"))


def test_a_job_is_submitted_and_its_page_reloads_until_its_end(plain: Page) -> None:
    submit(plain, "#!/bin/sh\necho by hand\n")
    expect(plain.locator(".state.pill")).to_have_text("Completed", timeout=SLOW)
    expect(plain.locator("[data-log-text]")).to_have_text("by hand\n")
    plain.get_by_role("link", name="Jobs").first.click()
    expect(plain.locator(".jobs")).to_contain_text("Completed")


def test_a_running_job_is_cancelled(plain: Page, client: Client) -> None:
    number = client.submit("sleep 300")
    client.until(number, "ACTIVE")
    plain.goto(f"/jobs/{number}/")
    plain.get_by_role("link", name="Cancel").click()
    plain.get_by_role("button", name="Cancel the job").click()
    expect(plain.locator(".state.pill")).to_have_text("Cancelled", timeout=SLOW)


def test_an_error_is_marked_and_the_focus_is_on_what_is_wrong(plain: Page) -> None:
    plain.goto("/jobs/new/")
    plain.fill("#id_script", "echo kept")
    plain.fill("#id_memory", "8 potatoes")
    plain.get_by_role("button", name="Submit job").click()
    expect(plain.get_by_role("alert")).to_be_focused()
    expect(plain.locator("#id_memory_error")).to_contain_text("is not understood")
    expect(plain.locator("#id_script")).to_have_value("echo kept")


def test_no_control_is_shown_that_only_a_script_could_work(plain: Page) -> None:
    plain.goto("/account/")
    plain.click(".who")
    expect(plain.get_by_role("button", name="Log out")).to_be_visible()
    expect(plain.locator("[data-themes]")).to_be_hidden()
