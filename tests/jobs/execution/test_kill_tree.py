"""No process of a tree escapes: not by a session of its own, not by a clean environment, not by forking."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from jobs.execution import processes, procfs
from jobs.execution.processes import Identity
from jobs.execution.spool import Spool
from tests.eventually import eventually
from tests.jobs.execution import running

TOKEN = f"tests-{os.getpid()}.2.1"
PYTHON = [sys.executable, "-I", "-S", "-c"]
FORKS_FOR_EVER = """
import os
while True:
    if os.fork():
        os._exit(0)
    os.setsid()
"""
DAEMON = "setsid /bin/sh -c 'echo up; exec sleep 600' & exec sleep 600"
NAMELESS_DAEMON = "setsid env -i /bin/sh -c 'echo up; exec sleep 600' & exec sleep 600"
REAPER = f"""
import ctypes, os, signal
ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
if os.fork() == 0:
    os.execve({sys.executable!r}, ["python", "-I", "-S", "-c", {FORKS_FOR_EVER!r}], {{}})
print("up", flush=True)
signal.pause()
"""


class Marked:
    """A process with the marker. The end of its output tells that all of its tree has gone."""

    def __init__(self, arguments: list[str]) -> None:
        environment = {"PATH": os.defpath, procfs.MARKER: TOKEN}
        self.process = subprocess.Popen(arguments, env=environment, stdout=subprocess.PIPE)
        assert self.process.stdout is not None
        self.output = self.process.stdout
        ticks = procfs.start_ticks(self.process.pid)  # also of one that has ended already: we have not waited
        assert ticks is not None
        self.identity = Identity(procfs.boot_id(), self.process.pid, ticks)

    def close(self) -> None:
        processes.kill_tree(TOKEN, [self.identity])
        self.output.close()
        self.process.wait(running.LONG)


@pytest.fixture
def tree(request: pytest.FixtureRequest) -> Iterator[Marked]:
    marked = Marked(request.param)
    yield marked
    marked.close()


def shell(script: str) -> list[str]:
    return ["/bin/sh", "-c", script]


@pytest.mark.parametrize("tree", [shell(DAEMON), shell(NAMELESS_DAEMON)], indirect=True)
def test_a_tree_is_killed_with_the_daemons_below_it(tree: Marked) -> None:
    """F47: with a session of their own, one with a clean environment."""
    tree.output.readline()
    assert len(processes.tree([tree.identity])) == 2
    assert processes.kill_tree(TOKEN, [tree.identity])
    assert tree.output.read() == b""
    assert processes.marked(TOKEN) == []


@pytest.mark.parametrize("tree", [shell("setsid /bin/sh -c 'echo up; exec sleep 600' &")], indirect=True)
def test_a_daemon_whose_parent_has_gone_is_found_by_its_marker(tree: Marked) -> None:
    """F48: nobody above it lives."""
    tree.output.readline()
    assert processes.kill_tree(TOKEN, [])
    assert tree.output.read() == b""


@pytest.mark.parametrize("tree", [[*PYTHON, FORKS_FOR_EVER]], indirect=True)
def test_a_process_that_forks_and_leaves_for_ever_is_ended(tree: Marked) -> None:
    eventually(lambda: not processes.is_alive(tree.identity), within=running.LONG)
    assert processes.kill_tree(TOKEN, [tree.identity])
    assert tree.output.read() == b""


@pytest.mark.parametrize("tree", [[*PYTHON, REAPER]], indirect=True)
def test_what_forks_for_ever_without_the_marker_is_ended_below_its_frozen_reaper(tree: Marked) -> None:
    tree.output.readline()
    assert processes.kill_tree(TOKEN, [], reaper=tree.identity)
    assert tree.output.read() == b""
    assert tree.process.wait(running.LONG) == -signal.SIGKILL


@pytest.mark.parametrize("tree", [shell("echo up; exec sleep 600")], indirect=True)
def test_a_reaper_goes_on_when_the_hunt_below_it_was_in_vain(
    tree: Marked, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree.output.readline()
    with monkeypatch.context() as impatient:
        impatient.setattr(processes, "PATIENCE", 0.0)
        assert not processes.kill_tree(TOKEN, [], reaper=tree.identity)
    processes.send(tree.identity, signal.SIGTERM)  # nobody dies of it while he is frozen
    assert tree.process.wait(10) == -signal.SIGTERM


def test_nothing_to_kill_is_killed() -> None:
    assert processes.kill_tree("nobody.2.1", [])


def test_a_job_that_forks_for_ever_is_over_soon_after_its_grace(spool: Spool) -> None:
    """F51: one process that is always another one."""
    script = f"exec env -i {sys.executable} -ISc '{FORKS_FOR_EVER}'"
    outcome = running.run(spool, script, time_limit_seconds=0.5, grace_seconds=0.2)
    assert outcome.wall_seconds < 0.5 + 0.2 + 2
