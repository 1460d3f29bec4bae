"""exit.json is written whatever the job has done to its directory, and whatever the wrapper has inherited."""

import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from jobs.execution import launcher, procfs
from jobs.execution.records import read_outcome
from jobs.execution.spool import AttemptDirectory, Spool
from tests.eventually import eventually
from tests.jobs.execution import running

WAITS_FOR_GO = "echo up; until [ -e go ]; do sleep 0.02; done; exit 3"
POWERLESS = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] if os.geteuid() == 0 else []
"""Modes of files mean nothing to root's capabilities."""


def run_by(shim: list[str], directory: AttemptDirectory) -> int:
    """Run the wrapper through another program, to its end."""
    command = [*shim, sys.executable, "-I", "-S", "-c", running.EXECD, str(directory.path)]
    environment = {"PATH": os.defpath, procfs.MARKER: directory.token}
    return subprocess.run(
        command, env=environment, stdout=subprocess.DEVNULL, timeout=running.LONG, check=False
    ).returncode


@pytest.mark.parametrize(
    "obstacle",
    [
        "mkdir exit.json",
        "mkdir -p exit.json/deep; touch exit.json/deep/file",
        "mkfifo exit.json .exit.json",
        "mkdir .exit.json",
        "ln -s /dev/full exit.json",
        "ln -s exit.json exit.json",
        "echo '{}' > exit.json; chmod 0 exit.json",
        "rm .new.*",
        "for file in .new.*; do rm $file; mkdir $file; done",
    ],
)
def test_nothing_in_its_place_keeps_the_end_from_being_written(spool: Spool, obstacle: str) -> None:
    directory = running.prepared(spool, f"{obstacle}; exit 3")
    assert run_by([], directory) == 0
    outcome = directory.outcome()
    assert outcome is not None
    assert outcome.exit_code == 3


def test_a_directory_without_its_mode_gets_it_back(spool: Spool) -> None:
    directory = running.prepared(spool, "chmod 0 .; exit 3")
    assert run_by(POWERLESS, directory) == 0
    outcome = directory.outcome()
    assert outcome is not None
    assert outcome.exit_code == 3
    assert directory.path.stat().st_mode & 0o777 == 0o700


def test_a_directory_that_is_gone_holds_nobody_up(spool: Spool) -> None:
    directory = running.prepared(spool, 'rm -r "$PWD"; exit 3')
    assert run_by([], directory) == 0
    assert not directory.exists()


def test_f29_a_wrapper_that_may_not_write_tries_until_it_may(spool: Spool) -> None:
    """F29: as on a full disk, the end is kept in memory and written once there is room."""
    directory = running.started(spool, WAITS_FOR_GO)
    running.until_said(directory, "up")
    wrapper = running.ticket_of(directory).wrapper
    assert wrapper is not None
    limits = resource.prlimit(wrapper.pid, resource.RLIMIT_FSIZE, (20, resource.RLIM_INFINITY))
    (directory.path / "go").touch()
    eventually(lambda: not procfs.children_of(wrapper.pid), within=running.LONG)
    assert directory.outcome() is None
    resource.prlimit(wrapper.pid, resource.RLIMIT_FSIZE, limits)
    assert running.outcome_of(directory).exit_code == 3
    assert [path for path in directory.path.iterdir() if path.name.startswith(".new")] == []


def test_f57_a_wrapper_out_of_descriptors_supervises_and_records(spool: Spool) -> None:
    """F57: it looks again later, and has what it needs for the end since before the job ran."""
    works = WAITS_FOR_GO.replace("exit", "i=0; while [ $i -lt 99999 ]; do i=$((i+1)); done; sleep 1.2; exit")
    directory = running.started(spool, works, output_limit_bytes=2**30, memory_mb=1024)
    running.until_said(directory, "up")
    wrapper = running.ticket_of(directory).wrapper
    assert wrapper is not None
    resource.prlimit(wrapper.pid, resource.RLIMIT_NOFILE, (0, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    (directory.path / "go").touch()
    assert running.outcome_of(directory).exit_code == 3


def test_an_inherited_limit_on_the_size_of_files_ends_the_job_and_not_its_wrapper(spool: Spool) -> None:
    directory = running.prepared(spool, "head -c 10000 /dev/zero > big; echo $?; kill -XFSZ $$")
    assert run_by(["prlimit", "--fsize=4096"], directory) == 0
    outcome = directory.outcome()
    assert outcome is not None
    assert outcome.exit_signal == signal.SIGXFSZ
    assert running.said(directory).endswith(f"{128 + signal.SIGXFSZ}\n")


def test_the_job_that_hangs_before_its_first_program_has_a_limit_too(spool: Spool) -> None:
    directory = running.prepared(spool, "true", time_limit_seconds=0.2)
    with (directory.path / "script").open("ab"):  # busy: the child tries for a second to run it
        assert isinstance(launcher.launch(directory), launcher.Launched)
        outcome = running.outcome_of(directory)
    assert (outcome.cause, outcome.exit_signal) == ("limit", signal.SIGTERM)


SMALL_DISK = """
set -e
mount -t tmpfs -o size=256k tmpfs "$1"
cp -a "$2/." "$1"
cd /
shift 2
"$@" || true
cp exit.json ticket "$KEPT" 2>/dev/null || true
"""


def on_a_small_disk(directory: AttemptDirectory, kept: Path, before: str = "") -> None:
    """Run the wrapper where its directory is a disk of 256 KiB, and keep what it has written there."""
    kept.mkdir()
    prepared = directory.path.rename(directory.path.with_name("prepared"))
    directory.path.mkdir()
    script = SMALL_DISK.replace("cd /\n", f'cd "$1"; {before}\n')
    inside = ["unshare", "-Urm", "sh", "-c", script, "sh", str(directory.path), str(prepared)]
    command = [*inside, sys.executable, "-I", "-S", "-c", running.EXECD, str(directory.path)]
    environment = {"PATH": os.environ["PATH"], "KEPT": str(kept), procfs.MARKER: directory.token}
    subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, timeout=running.LONG, check=True)


def test_f29_a_job_that_fills_the_disk_leaves_room_for_its_own_end(spool: Spool, tmp_path: Path) -> None:
    """F29: the blocks of exit.json are reserved before the job runs."""
    directory = running.prepared(spool, "cat /dev/zero > filler; exit 3")
    on_a_small_disk(directory, tmp_path / "kept")
    outcome = read_outcome(tmp_path / "kept" / "exit.json")
    assert outcome is not None
    assert (outcome.exit_code, outcome.disk_full) == (3, True)


@pytest.mark.parametrize("own", [True, False], ids=["its own file", "the platform's"])
def test_a_full_disk_keeps_no_job_beyond_its_limit(spool: Spool, tmp_path: Path, own: bool) -> None:
    """Its limit cannot be told among its errors, and it is stopped all the same."""
    errors = str(spool.attempt(1, 1).path / "errors") if own else ""
    script = "cat /dev/zero > filler; sleep 600"
    directory = running.prepared(spool, script, time_limit_seconds=0.5, stderr=errors)
    on_a_small_disk(directory, tmp_path / "kept")
    outcome = read_outcome(tmp_path / "kept" / "exit.json")
    assert outcome is not None
    assert (outcome.cause, outcome.exit_signal, outcome.disk_full) == ("limit", signal.SIGTERM, True)


def test_f29_without_room_for_its_end_a_job_does_not_start(spool: Spool, tmp_path: Path) -> None:
    """F29: on a disk that is full beforehand no ticket is linked, so the job may run elsewhere."""
    directory = running.prepared(spool, "exit 3")
    on_a_small_disk(directory, tmp_path / "kept", before="cat /dev/zero > filler || true")
    assert list((tmp_path / "kept").iterdir()) == []
