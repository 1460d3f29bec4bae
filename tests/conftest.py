"""The session's plumbing: servers before settings, and a plain word when there is no browser.

This file starts the servers as soon as it is imported, because settings and models are read right after it.
That is why DJANGO_SETTINGS_MODULE is set here and not in pyproject.toml: pytest-django would otherwise read
the settings before the servers that they name are there.
"""

import atexit
import os
import sys
from typing import Any

import django
import pytest

from tests import browser
from tests.outbox import Outbox
from tests.session import Session

if "jobsite.settings" in sys.modules:
    pytest.exit("Unset DJANGO_SETTINGS_MODULE: the tests choose their settings and servers themselves.")

SESSION = Session()
atexit.register(SESSION.stop)  # also when pytest ends before it has begun
SESSION.start()
django.setup()


_without_browser = pytest.StashKey[int]()


def pytest_configure(config: pytest.Config) -> None:
    if not config.option.basetemp:
        config.option.basetemp = str(SESSION.directory / "t")


@pytest.fixture(scope="session")
def django_db_modify_db_settings() -> None:
    """The test database is the one that DATABASE_URL names, so that child processes find the same rows."""
    from django.conf import settings  # noqa: PLC0415 - not before the servers

    database: dict[str, Any] = settings.DATABASES["default"]
    database.setdefault("TEST", {})["NAME"] = database["NAME"]


@pytest.fixture
def outbox(monkeypatch: pytest.MonkeyPatch) -> Outbox:
    """Takes the broker's place."""
    from jobs import messages  # noqa: PLC0415 - not before the servers

    box = Outbox()
    monkeypatch.setattr(messages, "post", box.post)
    return box


@pytest.fixture(autouse=True, scope="session")
def _defaults_outlive_a_flush() -> None:
    """A test on committed rows empties every table at its end; what the data migrations made comes back."""
    from django.db.models.signals import post_migrate  # noqa: PLC0415 - not before the servers

    from tests.making import restore_defaults  # noqa: PLC0415

    post_migrate.connect(restore_defaults, weak=False, dispatch_uid="tests")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip the browser tests where there is no browser, and count them."""
    without = [] if browser.executable() else [item for item in items if item.get_closest_marker("ui")]
    config.stash[_without_browser] = len(without)
    for item in without:
        item.add_marker(pytest.mark.skip(reason=f"no browser: {browser.HOW_TO_GET_ONE}"))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Stop the servers; fail when anything is left behind, or when CI did not run the browser tests."""
    SESSION.stop()
    missing_browser = (
        session.config.stash.get(_without_browser, 0) and os.environ.get("JOBSITE_REQUIRE_BROWSER") == "1"
    )
    if (SESSION.left_behind() or missing_browser) and session.exitstatus in {
        0,
        pytest.ExitCode.NO_TESTS_COLLECTED,
    }:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_unconfigure(config: pytest.Config) -> None:
    """The last lines of the run."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None:
        return
    for thing in SESSION.left_behind():
        reporter.write_line(f"left behind: {thing}", red=True)
    if without := config.stash.get(_without_browser, 0):
        reporter.write_line(f"{without} browser tests did not run: {browser.HOW_TO_GET_ONE}", yellow=True)
