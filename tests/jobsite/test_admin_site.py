"""The admin has the platform's one login, and leads to Flower."""

from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import Group
from django.urls import reverse

from jobs.models.roles import OPERATORS
from recovery import operators
from tests import making
from tests.web import browser, operator, text_of

pytestmark = pytest.mark.django_db


def test_the_admin_has_no_login_of_its_own() -> None:
    answer: Any = browser().get("/admin/jobs/job/", follow=True)
    assert answer.redirect_chain[-1][0].startswith(f"{reverse('login')}?next=")
    assert browser().post("/admin/login/", {"username": "a", "password": "b"}).status_code == 302


def test_who_comes_from_elsewhere_is_led_back_to_the_platforms_login_alone() -> None:
    answer: Any = browser().get("/admin/login/?next=//evil.example/")
    assert answer.url.startswith(reverse("login"))


def test_who_is_logged_in_already_goes_on_to_the_admin() -> None:
    person = operator()
    person.is_staff = True
    person.save()
    answer: Any = browser(person).get("/admin/login/")
    assert (answer.status_code, answer.url) == (302, reverse("admin:index"))


def test_who_may_not_use_the_admin_is_told_how_to_get_there() -> None:
    answer = browser(making.user()).get("/admin/login/")
    assert answer.status_code == 403


def test_the_admin_leads_to_flower() -> None:
    person = operator()
    person.is_staff = True
    person.save()
    assert f'href="{settings.FLOWER_URL}"' in text_of(browser(person).get(reverse("admin:index")))


def test_operators_may_see_all_and_change_partitions_and_tokens_alone() -> None:
    operators.grant()
    group = Group.objects.get(name=OPERATORS)
    granted = set(group.permissions.values_list("codename", flat=True))
    assert {name for name in granted if not name.startswith("view_")} == set(operators.BEYOND_VIEWING)
    assert granted >= {f"view_{name}" for names in operators.VIEWED.values() for name in names}
