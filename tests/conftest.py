"""The session's plumbing: servers before settings, and a plain word when there is no browser.

This file starts the servers as soon as it is imported, because settings and models are read right after it.
That is why DJANGO_SETTINGS_MODULE is set here and not in pyproject.toml: pytest-django would otherwise read
the settings before the servers that they name are there.
"""

import atexit
import os
import signal
import sys
from dataclasses import asdict, dataclass, field
from typing import Any

import django
import pytest

from tests import browser
from tests.outbox import Outbox
from tests.session import Session

if "jobsite.settings" in sys.modules:
    pytest.exit("Unset DJANGO_SETTINGS_MODULE: the tests choose their settings and servers themselves.")

# A suite in a shell's background ignores these, and so would all that it starts.
for number, usual in ((signal.SIGINT, signal.default_int_handler), (signal.SIGQUIT, signal.SIG_DFL)):
    if signal.getsignal(number) == signal.SIG_IGN:
        signal.signal(number, usual)

SESSION = Session()
atexit.register(SESSION.stop)  # also when pytest ends before it has begun
SESSION.start()
django.setup()


@dataclass
class Remains:
    """What is to be told at the end of the run."""

    left_behind: list[str] = field(default_factory=list)
    without_browser: int = 0


REMAINS = Remains()


def pytest_configure(config: pytest.Config) -> None:
    in_parallel = hasattr(config, "workerinput")
    if config.getoption("numprocesses", None) and not in_parallel:
        SESSION.stop()  # this process only hands the tests out, and the others inherit its environment
    elif not config.option.basetemp or in_parallel:  # sockets need short paths
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
    """Put the slow ones first, and skip the browser tests, and count them, where there is no browser."""
    items.sort(key=_is_quick)  # in a parallel run a process that is done has something left to do
    without = [] if browser.executable() else [item for item in items if item.get_closest_marker("ui")]
    REMAINS.without_browser += len(without)
    for item in without:
        item.add_marker(pytest.mark.skip(reason=f"no browser: {browser.HOW_TO_GET_ONE}"))


def _is_quick(item: pytest.Item) -> bool:
    return not any(item.get_closest_marker(slow) for slow in ("acceptance", "ui"))


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """In a parallel run each process has a session of its own, and tells what remained of it."""
    told = getattr(node, "workeroutput", {})
    REMAINS.left_behind += told.get("left_behind", [])
    REMAINS.without_browser = max(REMAINS.without_browser, told.get("without_browser", 0))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Stop the servers; fail when anything is left behind, or when CI did not run the browser tests."""
    SESSION.stop()
    REMAINS.left_behind += SESSION.left_behind()
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput |= asdict(REMAINS)
    missing_browser = REMAINS.without_browser and os.environ.get("JOBSITE_REQUIRE_BROWSER") == "1"
    if (REMAINS.left_behind or missing_browser) and session.exitstatus in {
        0,
        pytest.ExitCode.NO_TESTS_COLLECTED,
    }:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_unconfigure(config: pytest.Config) -> None:
    """The last lines of the run."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None:
        return
    for thing in REMAINS.left_behind:
        reporter.write_line(f"left behind: {thing}", red=True)
    if without := REMAINS.without_browser:
        reporter.write_line(f"{without} browser tests did not run: {browser.HOW_TO_GET_ONE}", yellow=True)
