"""A job's TMPDIR is its own and is gone with it, whatever is in it; nothing beside it is touched."""

import os
from pathlib import Path

import pytest

from jobs.execution import launcher, scratch
from jobs.execution.spool import Spool
from tests.jobs.execution import running
from tests.powerless import powerless

FILLS = """
cd tmp
touch file .hidden; mkfifo pipe; ln -s "$KEPT" link; ln -s "$KEPT/victim" other
mkdir -p a/b/c closed; touch a/b/c/d closed/e; chmod 000 closed a/b
"""


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """What a job's links point to."""
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "victim").write_text("kept")
    return tmp_path / "kept"


def test_what_a_job_left_in_it_is_gone_before_its_end_is_told(spool: Spool, kept: Path) -> None:
    environment = {"PATH": os.defpath, "KEPT": str(kept)}
    directory = running.prepared(spool, FILLS, environment=environment)
    (directory.path / "tmp").mkdir()
    launcher.launch(directory)
    assert running.outcome_of(directory).exit_code == 0, running.said(directory)
    assert not (directory.path / "tmp").exists()
    assert (kept / "victim").read_text() == "kept"


def test_a_link_in_its_place_is_not_followed(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(kept.parent)
    Path("tmp").symlink_to(kept)
    scratch.clear()
    assert (kept / "victim").read_text() == "kept"


def test_any_depth_is_removed_with_few_descriptors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("tmp").mkdir()
    monkeypatch.chdir("tmp")
    for _ in range(1100):
        Path("deeper").mkdir()
        Path("file").touch()
        os.chdir("deeper")
    monkeypatch.chdir(tmp_path)
    scratch.clear(60)
    assert not Path("tmp").exists()


def test_what_its_owner_may_not_write_to_is_removed_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("tmp/a/b/c").mkdir(parents=True)
    Path("tmp/a/b/c/module.go").touch()
    for closed, mode in (("tmp/a/b/c", 0o555), ("tmp/a/b", 0), ("tmp/a", 0o555), ("tmp", 0o500)):
        Path(closed).chmod(mode)
    with powerless():
        scratch.clear()
    assert not Path("tmp").exists()


def test_it_takes_no_longer_than_it_may(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("tmp/a/b").mkdir(parents=True)
    scratch.clear(-1)
    assert Path("tmp/a/b").exists()
