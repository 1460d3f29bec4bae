"""A person with a browser, without the browser: Django's own test client, logged in."""

from html import unescape
from typing import Any

from django.contrib.auth.models import Group, User
from django.http import HttpResponse
from django.test import Client

from jobs.models.roles import OPERATORS, VIEWERS
from tests import making

PASSWORD = "a long enough passphrase"


def browser(user: User | None = None, **options: Any) -> Client:
    """Logged in as this person, or as nobody."""
    client = Client(**options)
    if user is not None:
        client.force_login(user)
    return client


def operator(name: str = "olga") -> User:
    """Steers every job."""
    person = making.user(name)
    person.groups.add(Group.objects.get(name=OPERATORS))
    return person


def viewer(name: str = "vera") -> User:
    """Reads every job."""
    person = making.user(name)
    person.groups.add(Group.objects.get(name=VIEWERS))
    return person


def text_of(response: Any) -> str:
    """The page, as it reads."""
    assert isinstance(response, HttpResponse)
    return unescape(response.content.decode())
