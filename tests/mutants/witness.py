"""A plugin of pytest: tells which test failed first, and which invariants did not hold at the end of which.

It looks when a test's body is over and its rows and processes are still there. What a test breaks by hand it
breaks in the whole product too; that is known from a run of that.
"""

import json
import time
from collections import defaultdict
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

DATABASE = {"db", "transactional_db", "django_db_setup"}
BEYOND = {"station", "spool", "agent", "broker"}
"""Who has none of these has neither processes nor messages, and to look for them takes long."""


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("mutants")
    group.addoption("--report", type=Path, required=True, help="where to write what was found")
    group.addoption("--known", type=Path, help="the report of the whole product")
    group.addoption("--until", default="", help="go on after a failure until these invariants broke, too")


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Witness(config), "mutants-witness")


class Witness:
    """What one run has shown."""

    def __init__(self, config: pytest.Config) -> None:
        self._path: Path = config.getoption("--report")
        known: Path | None = config.getoption("--known")
        whole = json.loads(known.read_text()) if known else {"violated": {}, "failed": []}
        self._known: dict[str, list[str]] = whole["violated"]
        self._unreliable = tuple(f"{failed.partition(': ')[0]}: " for failed in whole["failed"])
        self._goes_on = known is None
        self._wanted = {name for name in config.getoption("--until").split(";") if name}
        self._failed: list[str] = []
        self._violated: dict[str, list[str]] = defaultdict(list)
        self._passed = 0
        self._began = time.monotonic()

    @pytest.hookimpl(wrapper=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> Generator[None, object, object]:
        try:
            return (yield)
        finally:
            marked = pyfuncitem.get_closest_marker("django_db") is not None
            if marked or DATABASE.intersection(pyfuncitem.fixturenames):
                beyond_rows = bool(BEYOND.intersection(pyfuncitem.fixturenames))
                self._look(pyfuncitem.nodeid, beyond_rows=beyond_rows)

    def _look(self, test: str, *, beyond_rows: bool) -> None:
        from django.db import DatabaseError, InterfaceError, transaction  # noqa: PLC0415 - not before the servers

        try:
            with transaction.atomic():
                found = _broken(beyond_rows=beyond_rows)
        except (DatabaseError, InterfaceError):
            return  # the test left no session to look with
        for name in found:
            if test not in self._known.get(name, ()):
                self._violated[name].append(test)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._passed += report.passed and report.when == "call"
        if report.failed:
            words = report.longreprtext.strip().splitlines()
            said = next(
                (line[1:].strip() for line in words if line.startswith("E ")), words[-1] if words else ""
            )
            told = f"{report.nodeid}: {said}"
            if not (self._unreliable and told.startswith(self._unreliable)):
                self._failed.append(told)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        answer = yield
        if not self._goes_on and self._failed and self._wanted <= set(self._violated):
            item.session.shouldfail = "it is seen"
        return answer

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        trouble = "" if session.testscollected else "no test could be run"
        told: dict[str, Any] = {
            "failed": self._failed,
            "violated": self._violated,
            "passed": self._passed,
            "seconds": round(time.monotonic() - self._began, 1),
            "trouble": trouble,
        }
        self._path.write_text(json.dumps(told))


def _broken(*, beyond_rows: bool) -> set[str]:
    from django.db import connection  # noqa: PLC0415 - not before the servers

    from recovery.invariants import verify  # noqa: PLC0415
    from recovery.invariants.capacity import overdrafts  # noqa: PLC0415
    from recovery.invariants.rows import ROW_INVARIANTS  # noqa: PLC0415

    if beyond_rows:
        return {violation.invariant for violation in verify()}
    found = {"I6 (history)"} if overdrafts() else set()
    with connection.cursor() as cursor:
        for name, (_, query) in ROW_INVARIANTS.items():
            cursor.execute(query)
            if cursor.fetchone() is not None:
                found.add(name)
    return found
