"""A person's tokens and password."""

import re

import pytest

from jobs.models import ApiToken
from tests import making
from tests.web import PASSWORD, browser, text_of

pytestmark = pytest.mark.django_db


def test_a_new_token_is_shown_once_and_works() -> None:
    client = browser(making.user())
    answer = client.post("/account/", {"name": "laptop"})
    token = re.search(r"jst_[\w-]{43}", text_of(answer))
    assert token
    assert ApiToken.objects.owner_of(token[0]) == making.user()
    assert "no-store" in answer.headers["Cache-Control"]
    later = text_of(client.get("/account/"))
    assert "jst_" not in later
    assert "laptop" in later


@pytest.mark.parametrize("name", ["", "   ", "x" * 65, "a\0b"])
def test_a_token_without_a_sensible_name_is_refused_at_its_field(name: str) -> None:
    answer = browser(making.user()).post("/account/", {"name": name})
    assert answer.status_code == 400
    assert 'id="id_name_error"' in text_of(answer)
    assert not ApiToken.objects.exists()


def test_a_revoked_token_opens_nothing() -> None:
    raw = ApiToken.objects.issue(making.user(), "old")
    token = ApiToken.objects.get()
    page = text_of(browser(making.user()).post(f"/account/tokens/{token.pk}/revoke/", follow=True))
    assert "The token 'old' is revoked" in page
    assert ApiToken.objects.owner_of(raw) is None


def test_anothers_token_is_neither_shown_nor_revoked() -> None:
    ApiToken.objects.issue(making.user("lin"), "theirs")
    client = browser(making.user())
    assert "theirs" not in text_of(client.get("/account/"))
    theirs = ApiToken.objects.get().pk
    answers = [client.post(f"/account/tokens/{number}/revoke/") for number in (theirs, 987654)]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].content == answers[1].content
    assert ApiToken.objects.exists()


def test_markup_in_a_tokens_name_is_text() -> None:
    answer = browser(making.user()).post("/account/", {"name": "<script>alert(1)</script>"})
    assert b"<script>alert" not in answer.content


def test_a_password_is_changed_by_who_knows_the_old_one() -> None:
    person = making.user()
    person.set_password(PASSWORD)
    person.save()
    new = "quite another passphrase"
    fields = {"old_password": PASSWORD, "new_password1": new, "new_password2": new}
    client = browser(person)
    assert client.post("/account/password/", fields | {"old_password": "wrong"}).status_code == 200
    assert "Your password is changed" in text_of(client.post("/account/password/", fields, follow=True))
    person.refresh_from_db()
    assert person.check_password(new)


def test_a_short_password_is_refused() -> None:
    person = making.user()
    person.set_password(PASSWORD)
    person.save()
    fields = {"old_password": PASSWORD, "new_password1": "short", "new_password2": "short"}
    assert "at least 12 characters" in text_of(browser(person).post("/account/password/", fields))


def test_only_staff_is_shown_the_way_to_admin_and_flower() -> None:
    person = making.user()
    assert "/admin/" not in text_of(browser(person).get("/account/"))
    person.is_staff = True
    person.save()
    page = text_of(browser(person).get("/account/"))
    assert 'href="/admin/"' in page
    assert "Flower" in page
