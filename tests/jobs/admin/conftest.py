"""Who may be in the admin, and who may not."""

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from tests import making
from tests.web import browser


def staff(name: str, *groups: str) -> User:
    """Someone whom an operator gave the staff status."""
    person = making.user(name)
    person.is_staff = True
    person.save()
    person.groups.set(Group.objects.filter(name__in=groups))
    return person


@pytest.fixture
def operator(db: None) -> Client:
    return browser(staff("olga", "operator"))


@pytest.fixture
def superuser(db: None) -> Client:
    person = staff("root")
    person.is_superuser = True
    person.save()
    return browser(person)


@pytest.fixture
def viewer(db: None) -> Client:
    return browser(staff("vera", "viewer"))
