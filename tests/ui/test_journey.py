"""A person's way through the platform, in a real browser against the real process set."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.client import Client
from tests.eventually import eventually
from tests.platform import Platform

pytestmark = [pytest.mark.ui, pytest.mark.timeout(240)]

WAITS = """#!/bin/sh
echo "line 1"
until [ -e {go} ]; do sleep 0.1; done
echo "line 2"
"""
SLOW = 20_000
"""Milliseconds: the machine may be busy with other tests."""


@pytest.fixture
def flower(chrome: Browser, platform: Platform) -> Iterator[Page]:
    """Flower, behind its password."""
    credentials = {"username": "operator", "password": platform.flower_password}
    context = chrome.new_context(
        base_url=f"http://127.0.0.1:{platform.flower_port}",
        http_credentials=credentials,  # type: ignore[arg-type]
    )
    yield context.new_page()
    context.close()


def state_in_flower(flower: Page, number: int) -> str:
    """What Flower says of a job's task; empty while it does not know it."""
    answer = flower.goto(f"/task/job_{number}")
    if answer is None or answer.status != 200:
        return ""
    return flower.locator(".badge").first.inner_text()


def submit(page: Page, script: str, name: str) -> int:
    """Through the form; the number of the job."""
    page.goto("/jobs/new/")
    page.fill("#id_script", script)
    page.fill("#id_name", name)
    page.get_by_role("button", name="Submit job").click()
    page.wait_for_url(re.compile(r"/jobs/\d+/$"))
    return int(page.url.rstrip("/").rsplit("/", 1)[1])


def test_from_the_link_to_exit_code_0(page: Page, flower: Page, platform: Platform) -> None:
    page.goto(platform.login_link)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/jobs/")
    go = platform.var.parent / "go"
    number = submit(page, WAITS.format(go=go), "journey")
    loads: list[str] = []
    page.on("load", lambda loaded: loads.append(loaded.url))
    output = page.locator("[data-log-text]")
    expect(output).to_contain_text("line 1", timeout=SLOW)
    expect(page.locator(".state.pill")).to_have_text("Running", timeout=SLOW)
    eventually(lambda: state_in_flower(flower, number) == "STARTED", within=20, every=0.2)
    go.touch()
    expect(page.locator(".state.pill")).to_have_text("Completed", timeout=SLOW)
    expect(output).to_have_text("line 1\nline 2\n")
    expect(page.locator("#verdict")).to_contain_text("Ended with exit code 0")
    expect(page.locator(".facts")).to_contain_text("Exit code : signal0:0")
    expect(page.locator(".tl")).to_contain_text("Completed")
    assert loads == []
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    assert download.value.path().read_bytes() == b"line 1\nline 2\n"
    eventually(lambda: state_in_flower(flower, number) == "SUCCESS", within=20, every=0.2)

    page.goto(f"/admin/jobs/job/{number}/change/")
    admin = page.locator("#content")
    for words in ("RELEASED", "submitted", "placed", "started", "finished"):
        expect(admin).to_contain_text(words, ignore_case=True)


def test_a_failing_job_is_failed_here_and_in_flower(logged_in: Page, flower: Page) -> None:
    number = submit(logged_in, "#!/bin/sh\necho about to fail\nexit 3\n", "failing")
    expect(logged_in.locator(".state.pill")).to_have_text("Failed", timeout=SLOW)
    expect(logged_in.locator("#verdict")).to_contain_text("Ended with exit code 3")
    expect(logged_in.locator("[data-log-text]")).to_have_text("about to fail\n")
    eventually(lambda: state_in_flower(flower, number) == "FAILURE", within=20, every=0.2)


def test_a_page_that_renews_itself_leaves_selection_and_focus_alone(logged_in: Page, client: Client) -> None:
    logged_in.goto(f"/jobs/{client.submit('sleep 60', hold=True)}/")
    logged_in.locator('[data-key="cancel"]').focus()
    logged_in.evaluate("getSelection().selectAllChildren(document.querySelector('#timeline'))")
    number = int(logged_in.url.rstrip("/").rsplit("/", 1)[1])
    client.cancel(number)
    expect(logged_in.locator(".state.pill")).to_have_text("Cancelled", timeout=SLOW)
    assert logged_in.evaluate("String(getSelection())") == "Timeline"
    expect(logged_in.locator(".tl")).not_to_contain_text("Cancelled")
    logged_in.evaluate("getSelection().removeAllRanges()")
    expect(logged_in.locator(".tl")).to_contain_text("Cancelled", timeout=SLOW)


def test_a_renewed_header_gives_the_focus_back(logged_in: Page, client: Client) -> None:
    number = client.submit("sleep 60", hold=True)
    logged_in.goto(f"/jobs/{number}/")
    logged_in.locator('[data-key="template"]').focus()
    client.cancel(number)
    expect(logged_in.locator(".state.pill")).to_have_text("Cancelled", timeout=SLOW)
    assert logged_in.evaluate("document.activeElement.dataset.key") == "template"


def test_the_output_stays_where_a_reader_scrolled_to(logged_in: Page, client: Client) -> None:
    number = client.submit("seq 1 2000; for i in $(seq 1 50); do echo more; sleep 0.2; done")
    client.until(number, "ACTIVE")
    logged_in.goto(f"/jobs/{number}/")
    pane = logged_in.locator("[data-log-body]")
    expect(logged_in.locator("[data-log-text]")).to_contain_text("more\nmore\n", timeout=SLOW)
    at_end = "pane => pane.scrollHeight - pane.scrollTop - pane.clientHeight < 32"
    assert pane.evaluate(at_end)
    pane.evaluate("pane => { pane.scrollTop = 100; }")
    before = pane.evaluate("pane => pane.scrollHeight")
    eventually(lambda: pane.evaluate("pane => pane.scrollHeight") > before, within=20)
    assert pane.evaluate("pane => pane.scrollTop") == 100
    client.cancel(number)


def test_a_page_whose_person_has_logged_out_says_so_and_stops(logged_in: Page, client: Client) -> None:
    logged_in.goto(f"/jobs/{client.submit('sleep 60', hold=True)}/")
    expect(logged_in.locator("[data-live-state=on]")).to_be_visible(timeout=SLOW)
    logged_in.context.clear_cookies()
    expect(logged_in.locator("[data-live-state=lost]")).to_have_text("Reload the page to go on", timeout=SLOW)
    expect(logged_in.locator(".state.pill")).to_have_text("Pending")


def test_failed_logins_are_counted_whatever_address_a_client_claims(page: Page) -> None:
    vars(page)["watch"].expected.update({400, 429})
    statuses = []
    for number in range(6):
        page.set_extra_http_headers({"X-Forwarded-For": f"10.0.0.{number}"})
        page.goto("/login/")
        page.fill("#id_username", "mallory")
        page.fill("#id_password", "guess")
        with page.expect_navigation() as answered:
            page.get_by_role("button", name="Log in").click()
        statuses.append(answered.value.status if answered.value else 0)
    assert statuses == [400] * 5 + [429]


def test_the_theme_is_kept(logged_in: Page) -> None:
    logged_in.goto("/jobs/")
    logged_in.click(".who")
    logged_in.get_by_label("Dark").check(force=True)
    assert logged_in.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(11, 15, 20)"
    logged_in.goto("/account/")
    assert logged_in.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(11, 15, 20)"
    logged_in.goto("/admin/")
    assert logged_in.evaluate("document.documentElement.dataset.theme") == "dark"
