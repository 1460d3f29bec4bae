"""The one door."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client

from jobs.models import LoginAttempt, LoginLink
from jobs.models.clock import ClockTimestamp, from_now
from tests import making
from tests.web import PASSWORD, browser, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def ana() -> User:
    person = making.user()
    person.set_password(PASSWORD)
    person.save()
    return person


def try_password(client: Client, password: str, name: str = "ana", **more: str) -> int:
    return client.post("/login/", {"username": name, "password": password}, **more).status_code  # type: ignore[arg-type]


def is_in(client: Client) -> bool:
    return client.get("/account/").status_code == 200


def test_a_password_opens_the_door(ana: User) -> None:
    client = browser()
    answer = client.post("/login/", {"username": "ana", "password": PASSWORD})
    assert answer.url == "/jobs/"  # type: ignore[attr-defined]
    assert is_in(client)


def test_the_session_of_before_is_another_one(ana: User) -> None:
    client = browser(making.user("lin"))
    before = client.session.session_key
    client.post("/login/", {"username": "ana", "password": PASSWORD})
    assert client.session.session_key != before


def test_a_wrong_password_is_told_and_the_name_is_kept(ana: User) -> None:
    answer = browser().post("/login/", {"username": "ana", "password": "wrong"})
    assert answer.status_code == 400
    assert "do not belong together" in text_of(answer)
    assert 'value="ana"' in text_of(answer)


def test_who_is_in_goes_on(ana: User) -> None:
    assert browser(ana).get("/login/?next=/account/").url == "/account/"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("wanted", "goes_to"),
    [
        ("/jobs/?state=failed", "/jobs/?state=failed"),
        ("https://evil.example/", "/jobs/"),
        ("//evil.example/", "/jobs/"),
        ("javascript:alert(1)", "/jobs/"),
    ],
)
def test_only_a_page_of_ours_is_gone_on_to(ana: User, wanted: str, goes_to: str) -> None:
    fields = {"username": "ana", "password": PASSWORD, "next": wanted}
    assert browser().post("/login/", fields).url == goes_to  # type: ignore[attr-defined]


def test_the_sixth_failure_within_a_minute_is_refused_even_when_it_is_right(ana: User) -> None:
    assert [try_password(browser(), "wrong") for _ in range(6)] == [400] * 5 + [429]
    answer = browser().post("/login/", {"username": "ANA", "password": PASSWORD})
    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "60"
    assert "Too many failed logins" in text_of(answer)


def test_the_address_that_a_client_claims_does_not_count(ana: User) -> None:
    claims = [{"HTTP_X_FORWARDED_FOR": f"10.0.0.{number}"} for number in range(6)]
    assert [try_password(browser(), "wrong", **claim) for claim in claims][-1] == 429


def test_others_are_not_kept_out(ana: User) -> None:
    for _ in range(6):
        try_password(browser(), "wrong")
    assert try_password(browser(), PASSWORD, REMOTE_ADDR="192.0.2.7") == 302
    assert try_password(browser(), "wrong", name="lin") == 400


def test_a_minute_later_the_door_opens_again(ana: User) -> None:
    for _ in range(6):
        try_password(browser(), "wrong")
    LoginAttempt.objects.update(at=from_now(timedelta(seconds=-61)))
    assert try_password(browser(), PASSWORD) == 302
    assert not LoginAttempt.objects.exists()


def test_logins_that_succeed_are_not_counted(ana: User) -> None:
    assert [try_password(browser(), PASSWORD) for _ in range(7)] == [302] * 7


def test_a_link_is_not_redeemed_by_looking_at_it(ana: User) -> None:
    secret, client = LoginLink.objects.issue(ana), browser()
    page = text_of(client.get(f"/login/?t={secret}"))
    assert f'name="t" value="{secret}"' in page
    assert not is_in(client)
    assert client.post("/login/", {"t": secret}).status_code == 302
    assert is_in(client)


def test_a_link_works_once(ana: User) -> None:
    secret = LoginLink.objects.issue(ana)
    browser().post("/login/", {"t": secret})
    late = browser()
    answer = late.post("/login/", {"t": secret})
    assert answer.status_code == 400
    assert "This link has been used" in text_of(answer)
    assert "id_password" in text_of(answer)
    assert not is_in(late)


def test_an_old_link_and_a_made_up_one_open_nothing(ana: User) -> None:
    secret = LoginLink.objects.issue(ana)
    LoginLink.objects.update(expires_at=ClockTimestamp())
    for tried in (secret, "made-up", "\0"):
        assert browser().post("/login/", {"t": tried}).status_code == 400


def test_a_link_from_elsewhere_cannot_log_a_browser_in(ana: User) -> None:
    secret, client = LoginLink.objects.issue(ana), browser(enforce_csrf_checks=True)
    assert client.post("/login/", {"t": secret}).status_code == 403
    assert not is_in(client)


def test_leaving_ends_the_session(ana: User) -> None:
    client = browser(ana)
    assert client.post("/logout/").url == "/login/"  # type: ignore[attr-defined]
    assert not is_in(client)


@pytest.mark.parametrize("typed", [{"username": "a\0b", "password": "x"}, {"username": "x" * 9999}, {}])
def test_odd_input_is_a_failed_login(typed: dict[str, str]) -> None:
    assert browser().post("/login/", typed).status_code == 400
