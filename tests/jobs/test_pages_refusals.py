"""The pages that say no look like the others, tell no secret and need no database."""

import logging

import pytest
from django.test import Client, RequestFactory
from pytest_django import DjangoAssertNumQueries

from jobs.views import refusals
from tests import making
from tests.web import browser, text_of


@pytest.mark.django_db
def test_a_page_that_is_not_there(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    answer = browser(making.user()).get("/nowhere/")
    assert answer.status_code == 404
    assert "Nothing is here" in text_of(answer)
    with django_assert_num_queries(0):
        assert browser().get("/nowhere/").status_code == 404


@pytest.mark.django_db
def test_a_form_of_three_megabytes_is_told_what_is_allowed() -> None:
    answer = browser(making.user()).post("/jobs/new/", {"script": "x" * 3_000_000})
    assert answer.status_code == 400
    assert "at most 1 MiB" in text_of(answer)


def test_a_host_that_is_not_ours_is_refused() -> None:
    answer = Client().get("/login/", headers={"host": "evil.example"})
    assert answer.status_code == 400
    assert "evil" not in text_of(answer)


@pytest.mark.django_db
def test_a_fault_of_ours_tells_its_number_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("SELECT secret FROM table")

    monkeypatch.setattr("jobs.views.listing.Page.of", broken)
    with caplog.at_level(logging.ERROR, logger="jobs.views"):
        answer = browser(making.user(), raise_request_exception=False).get("/jobs/")
    number = next(record.args[1] for record in caplog.records if record.name == "jobs.views")  # type: ignore[index]
    page = text_of(answer)
    assert answer.status_code == 500
    assert str(number) in page
    assert "SELECT" not in page
    assert "Traceback" not in page


def test_every_refusal_has_the_look_of_the_pages() -> None:
    request = RequestFactory().get("/")
    for view in (refusals.bad_request, refusals.forbidden, refusals.not_found, refusals.broken):
        page = text_of(view(request))
        assert "/static/jobsite/base.css" in page
        assert 'href="/jobs/"' in page


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["/login/", "/nowhere/", "/jobs/", "/account/"])
def test_every_page_carries_the_security_headers(address: str) -> None:
    headers = browser(making.user()).get(address).headers
    assert headers["Content-Security-Policy"].startswith("default-src 'self'")
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.django_db
@pytest.mark.usefixtures("outbox")
def test_no_page_holds_a_style_or_a_script_of_its_own() -> None:
    job = making.ended()
    client = browser(job.owner)
    for address in ("/jobs/", "/jobs/new/", "/account/", job.get_absolute_url(), "/nowhere/"):
        page = text_of(client.get(address))
        assert " style=" not in page
        assert "<style" not in page
        assert "onclick" not in page
        assert page.count("<script") == page.count("<script src=") + page.count('<script type="module" src=')
