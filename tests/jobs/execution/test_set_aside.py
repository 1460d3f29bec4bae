"""What was set aside for a new job of an old number goes in the end, and not before its time."""

import os
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from pytest_django import Settings

from jobs.execution import set_aside
from jobs.execution.set_aside import SetAside
from jobs.execution.station import Station
from jobs.models.clock import database_now
from tests.jobs.execution.conftest import Process

pytestmark = pytest.mark.django_db
NAME = "7.1.old-0123abcd"
LATER = timedelta(days=15)


@pytest.fixture
def aside(station: Station, settings: Settings, tmp_path: Path) -> list[Path]:
    """An attempt and a private work directory, with something in them."""
    settings.SCRATCH = tmp_path / "scratch"
    made = [station.spool.path / NAME, settings.SCRATCH / NAME]
    for path in made:
        path.mkdir(parents=True)
        (path / "results").write_text("dear")
    return made


@pytest.fixture
def sweep_at(station: Station, monkeypatch: pytest.MonkeyPatch) -> Callable[[datetime], None]:
    def sweep(moment: datetime) -> None:
        monkeypatch.setattr(set_aside, "database_now", lambda: moment)
        SetAside(station).sweep()

    return sweep


Sweep = Callable[[datetime], None]


def kept(aside: list[Path]) -> list[bool]:
    return [(path / "results").exists() for path in aside]


def test_it_is_kept_from_when_it_was_first_seen_for_as_long_as_all_else(
    aside: list[Path], sweep_at: Sweep, station: Station
) -> None:
    now = database_now()
    sweep_at(now)
    sweep_at(now + timedelta(days=13))
    assert kept(aside) == [True, True]
    sweep_at(now + LATER)
    assert kept(aside) == [False, False]
    assert [path.name for path in station.spool.path.iterdir() if "old" in path.name] == []


def test_this_machines_clock_has_no_say_and_the_databases_set_back_only_lengthens_it(
    aside: list[Path], sweep_at: Sweep
) -> None:
    now = database_now()
    for path in aside:
        os.utime(path, (0, 0))
    sweep_at(now)
    sweep_at(now - timedelta(days=5000))
    assert kept(aside) == [True, True]


def test_it_stays_under_a_process_of_such_an_attempt(
    aside: list[Path], sweep_at: Sweep, station: Station, marked: Callable[[str], Process]
) -> None:
    process = marked(f"{station.spool.spool_id}.7.1")
    sweep_at(database_now())
    sweep_at(database_now() + LATER)
    assert kept(aside) == [True, True]
    process.kill()
    process.wait()
    sweep_at(database_now() + LATER)
    assert kept(aside) == [False, False]


def test_for_ever_is_for_ever(aside: list[Path], sweep_at: Sweep, settings: Settings) -> None:
    settings.SPOOL_RETENTION = None
    sweep_at(database_now())
    sweep_at(database_now() + 1000 * LATER)
    assert kept(aside) == [True, True]


@pytest.mark.parametrize(
    ("spoil", "stays"),
    [(Path.mkdir, True), (os.mkfifo, False), (lambda path: path.write_text("soon"), False)],
)
def test_a_note_that_cannot_be_read_is_written_anew_or_keeps_that_one_alone(
    aside: list[Path], sweep_at: Sweep, spoil: Callable[[Path], object], stays: bool
) -> None:
    now = database_now()
    spoil(aside[0].with_name(NAME + set_aside.SINCE))
    for moment in (now, now + LATER):
        sweep_at(moment)
    assert kept(aside) == [stays, False]


def test_nothing_else_is_taken_for_it(
    station: Station, sweep_at: Sweep, settings: Settings, tmp_path: Path
) -> None:
    settings.SCRATCH = tmp_path / "scratch"
    others = [
        settings.SCRATCH / name for name in ("7", "x7.1.old-0123abcd", "7.1.old-0123abcde", "7.1.old-XYZ")
    ]
    for path in others:
        path.mkdir(parents=True)
    sweep_at(database_now())
    sweep_at(database_now() + LATER)
    assert [path.exists() for path in others] == [True] * 4
