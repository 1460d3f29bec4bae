"""People with tokens, and the API as they speak to it."""

import json
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from jobs.models import ApiToken
from tests import making


class Speaker:
    """One person's way to the API."""

    def __init__(self, user: User | None, token: str | None = None) -> None:
        self.user = user
        self.client = Client(enforce_csrf_checks=True)
        self.headers = {} if user is None else {"authorization": f"Bearer {token or issue(user)}"}

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> Any:
        """One request below /api/v1/. A text is sent as it is, anything else as JSON."""
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        return self.client.generic(
            method,
            f"/api/v1/{path}",
            data="" if body is None else as_text(body),
            content_type="application/json",
            headers={**self.headers, **named},
        )

    def get(self, path: str) -> Any:
        return self.ask("GET", path)

    def submit(self, **fields: object) -> Any:
        """A request that is in order but for what is given."""
        return self.ask("POST", "jobs/", {"script": "#!/bin/sh\ntrue\n", **fields})


def as_text(body: object) -> str | bytes:
    return body if isinstance(body, str | bytes) else json.dumps(body)


def issue(user: User) -> str:
    return ApiToken.objects.issue(user, "test")


def member(name: str, group: str) -> User:
    user = making.user(name)
    user.groups.add(Group.objects.get(name=group))
    return user


@pytest.fixture
def ana(db: None) -> Speaker:
    return Speaker(making.user("ana"))


@pytest.fixture
def bob(db: None) -> Speaker:
    return Speaker(making.user("bob"))


@pytest.fixture
def operator(db: None) -> Speaker:
    return Speaker(member("op", "operator"))


@pytest.fixture
def viewer(db: None) -> Speaker:
    return Speaker(member("vic", "viewer"))


@pytest.fixture
def nobody(db: None) -> Speaker:
    return Speaker(None)
