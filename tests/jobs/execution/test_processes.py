"""A process is its boot, its pid and its start: nobody else is ever taken for it or signalled."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from jobs.execution import processes, procfs
from jobs.execution.processes import Identity
from tests.eventually import eventually
from tests.jobs.execution import running

TOKEN = f"tests-{os.getpid()}.1.1"
WAITS = [sys.executable, "-I", "-S", "-c", "import signal; print('up', flush=True); signal.pause()"]


@pytest.fixture
def child() -> Iterator["subprocess.Popen[bytes]"]:
    environment = {"PATH": os.defpath, procfs.MARKER: TOKEN}
    process = subprocess.Popen(WAITS, env=environment, stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    yield process
    process.stdout.close()
    process.kill()
    process.wait()


def identity(process: "subprocess.Popen[bytes]") -> Identity:
    found = processes.identify(process.pid)
    assert found is not None
    return found


def test_a_living_process_has_an_identity_and_a_dead_one_has_none(child: "subprocess.Popen[bytes]") -> None:
    found = identity(child)
    assert (found.boot_id, found.pid) == (procfs.boot_id(), child.pid)
    assert processes.is_alive(found)
    child.kill()
    child.wait()
    assert processes.identify(child.pid) is None
    assert not processes.is_alive(found)


def test_a_zombie_is_dead_though_its_number_answers(child: "subprocess.Popen[bytes]") -> None:
    found = identity(child)
    child.kill()
    eventually(lambda: (procfs.stat_of(child.pid) or "?")[0] == "Z", within=running.LONG)
    os.kill(child.pid, 0)
    assert processes.identify(child.pid) is None
    assert not processes.is_alive(found)
    assert processes.marked(TOKEN) == []


@pytest.mark.parametrize("change", [{"start_ticks": 1}, {"boot_id": "another"}])
def test_another_process_of_the_same_number_is_never_signalled_or_held(
    child: "subprocess.Popen[bytes]", change: dict[str, object]
) -> None:
    """F59: of another boot, or started at another tick."""
    other = replace(identity(child), **change)  # type: ignore[arg-type]
    assert not processes.is_alive(other)
    assert not processes.send(other, signal.SIGKILL)
    assert processes.open_pidfd(other) is None
    assert processes.tree([other]) == set()
    assert child.poll() is None


def test_a_number_that_nobody_has_is_gone_for_everyone() -> None:
    nobody = Identity(procfs.boot_id(), 2**22 + 1, 1)
    assert not processes.send(nobody, signal.SIGTERM)
    assert processes.open_pidfd(nobody) is None
    assert procfs.marker_of(nobody.pid) is None
    assert procfs.start_ticks(nobody.pid) is None


def test_a_signal_reaches_the_very_process(child: "subprocess.Popen[bytes]") -> None:
    assert processes.send(identity(child), signal.SIGTERM)
    assert child.wait(running.LONG) == -signal.SIGTERM


def test_a_process_is_found_by_its_whole_marker(child: "subprocess.Popen[bytes]") -> None:
    assert processes.marked(TOKEN) == [identity(child)]
    assert processes.marked(TOKEN[:-1]) == []
    assert (TOKEN, identity(child)) in list(processes.all_marked())


def test_a_name_with_a_bracket_does_not_confuse_the_start_ticks(tmp_path: Path) -> None:
    odd = tmp_path / "a) R 1 (b"
    odd.symlink_to(sys.executable)
    with subprocess.Popen([str(odd), *WAITS[1:]], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        stat = procfs.stat_of(process.pid)
        process.kill()
    assert stat is not None
    assert stat[1] == os.getpid()


def test_children_are_found_without_the_kernels_list_of_them_too(child: "subprocess.Popen[bytes]") -> None:
    assert child.pid in procfs.children_of(os.getpid())
    assert set(procfs.children_of(os.getpid())) == set(procfs.children_by_parent()[os.getpid()])


def test_a_process_is_as_old_as_its_start_ticks_say() -> None:
    me = processes.identify(os.getpid())
    assert me is not None
    older = replace(me, start_ticks=me.start_ticks - 60 * os.sysconf("SC_CLK_TCK"))
    assert 0 <= processes.age(me) < processes.age(older) - 59
    assert processes.age(replace(me, start_ticks=2**40)) == 0
