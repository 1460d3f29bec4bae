"""The launcher: one process that forks wrappers, needed by none of them once they live."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from jobs.execution import launcher, marker, processes, procfs
from jobs.execution.launcher import Launched, Refused
from jobs.execution.processes import Identity
from jobs.execution.spool import AttemptDirectory, Spool
from tests.eventually import eventually
from tests.jobs.execution import running
from tests.session import ROOT

WORKER = f"""
import sys; sys.path.insert(0, {str(ROOT)!r})
from pathlib import Path
from jobs.execution import launcher
from jobs.execution.spool import Spool
print(launcher.launch(Spool.open(Path(sys.argv[1])).attempt(1, 1)), launcher.start(), flush=True)
sys.stdin.read()
"""
WITHOUT_FORKS = f"""
import os, resource, sys; sys.path.insert(0, {str(ROOT)!r})
from jobs.execution import launcher_process
os.getuid() or os.setresuid(65534, 65534, 65534)
resource.setrlimit(resource.RLIMIT_NPROC, (1, 1))
launcher_process.main()
"""


def present() -> Identity:
    """The launcher of this process, started if there is none."""
    found = processes.identify(launcher.start())
    assert found is not None
    return found


def wrapper_of(directory: AttemptDirectory) -> Identity:
    found = running.ticket_of(directory).wrapper
    assert found is not None
    return found


def held_by(process: Identity) -> dict[int, str]:
    """Its descriptors, and what each is."""
    here = Path(f"/proc/{process.pid}/fd")
    return {int(entry.name): str(entry.readlink()) for entry in here.iterdir()}


def environment_of(process: Identity) -> dict[str, str]:
    entries = Path(f"/proc/{process.pid}/environ").read_text().split("\0")
    return dict(entry.split("=", 1) for entry in entries if entry)


def waiting(spool: Spool, number: int) -> list[AttemptDirectory]:
    """Jobs that wait for the file `go`, each to end with a code of its own."""
    script = "until [ -e ../go ]; do sleep 0.05; done; exit $((SLURM_JOB_ID))"
    return [
        running.started(spool, script.replace("SLURM_JOB_ID", str(n)), job_id=n) for n in range(1, number + 1)
    ]


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[str]:
    """A secret in the environment and in a descriptor that a careless exec would hand on."""
    launcher.stop()
    monkeypatch.setenv("JOBSITE_SECRET_KEY", "canary")
    kept = os.open(tmp_path / "canary", os.O_RDWR | os.O_CREAT)
    os.set_inheritable(kept, True)
    yield "canary"
    os.close(kept)
    launcher.stop()


def test_a_wrapper_is_a_fork_of_the_launcher_with_the_marker_of_its_job(spool: Spool) -> None:
    first, second = waiting(spool, 2)
    for directory in (first, second):
        wrapper = wrapper_of(directory)
        assert procfs.marker_of(wrapper.pid) == directory.token
        stat = procfs.stat_of(wrapper.pid)
        assert stat is not None
        assert stat[1] == launcher.start()
    assert procfs.marker_of(launcher.start()) is None


def test_a_wrapper_that_has_ended_leaves_no_zombie(spool: Spool) -> None:
    directory = running.started(spool, "exit 0")
    wrapper = wrapper_of(directory)
    eventually(lambda: procfs.stat_of(wrapper.pid) is None, within=running.LONG)


def test_neither_launcher_nor_wrapper_holds_anything_of_the_worker(spool: Spool, secrets: str) -> None:
    directory = running.started(spool, running.WAITS)
    assert set(environment_of(present())) == {"JOBSITE_ROOM", "PATH", "LANG", "LD_BIND_NOW"}
    assert set(environment_of(wrapper_of(directory))) == {"JOBSITE_TOKEN", "PATH", "LANG", "LD_BIND_NOW"}
    assert set(held_by(present())) == {0, 1, 2}
    eventually(lambda: held_by(wrapper_of(directory))[1] == "/dev/null", within=running.LONG)
    held = held_by(wrapper_of(directory))
    assert held.pop(0) == held.pop(1) == "/dev/null"
    assert not [what for what in held.values() if what.startswith("socket:")]
    files = {Path(what) for what in held.values() if what.startswith("/")}
    assert {path for path in files if not path.is_relative_to(directory.path)} == set()
    assert os.getsid(launcher.start()) == launcher.start()


def test_f53_a_launcher_that_is_killed_takes_no_job_with_it_and_is_replaced(spool: Spool) -> None:
    """F53: the jobs of the dead one end as they would have, and the next job starts."""
    first, second = waiting(spool, 2)
    dead = present()
    running.kill(dead)
    third = running.started(spool, "exit 3", job_id=3)
    assert present() != dead
    (spool.path / "go").touch()
    assert [running.outcome_of(each).exit_code for each in (first, second, third)] == [1, 2, 3]


def test_f38_a_worker_that_is_killed_leaves_no_launcher_and_its_job_ends_as_it_would(spool: Spool) -> None:
    """F38: the launcher hears that its worker has gone; the wrapper needs neither."""
    directory = running.prepared(spool, "until [ -e go ]; do sleep 0.05; done; exit 7")
    command = [sys.executable, "-c", WORKER, str(spool.path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout is not None
        answer, pid = worker.stdout.readline().rsplit(maxsplit=1)
        assert answer == str(Launched())
        worker.kill()
    eventually(lambda: processes.identify(int(pid)) is None, within=running.LONG)
    (directory.path / "go").touch()
    assert running.outcome_of(directory).exit_code == 7


def test_whatever_kills_launchers_no_attempt_starts_twice(spool: Spool) -> None:
    witness = spool.path / "witness"
    directories = [running.prepared(spool, f"echo {n} >> {witness}", job_id=n) for n in range(1, 41)]
    with ThreadPoolExecutor(8) as pool:
        answers = pool.map(launcher.launch, directories)
        for _ in range(5):
            running.kill(present())
    linked = [n for n, answer in enumerate(answers, 1) if isinstance(answer, Launched)]
    for n in linked:
        assert running.outcome_of(directories[n - 1]).exit_code == 0
    said = sorted(map(int, witness.read_text().split()))
    assert len(said) == len(set(said))
    assert set(linked) <= set(said)
    assert {n for n in said if not running.ticket_of(directories[n - 1]).wrapper} == set()


def test_a_frozen_launcher_is_replaced(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    directory = running.prepared(spool, "exit 0")
    frozen = present()
    processes.send(frozen, signal.SIGSTOP)
    with monkeypatch.context() as impatient:
        impatient.setattr(launcher, "PATIENCE", 0.2)
        answer = launcher.launch(directory)
    assert answer == Refused("the launcher did not answer; it is replaced")
    assert not processes.is_alive(frozen)
    assert launcher.launch(directory) == Launched()
    assert running.outcome_of(directory).exit_code == 0


def test_f44_a_launcher_that_cannot_fork_says_so_and_lives(spool: Spool) -> None:
    """F44: an account's limit on processes is told in the system's words."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    command = [sys.executable, "-ISc", WITHOUT_FORKS]
    with ours, subprocess.Popen(command, stdin=theirs.fileno(), env=marker.environment()) as unable:
        theirs.close()
        for _ in range(2):
            heard, reply = os.pipe()
            socket.send_fds(ours, [b"token\0\0/tmp"], [reply])
            os.close(reply)
            with os.fdopen(heard) as file:
                assert "no wrapper could be forked: [Errno 11]" in file.read()
        assert unable.poll() is None
        ours.shutdown(socket.SHUT_RDWR)


def test_a_spool_may_be_deeper_than_the_path_of_a_socket(tmp_path: Path) -> None:
    deep = Spool.open(tmp_path / ("d" * 120) / ("e" * 120))
    assert running.run(deep, "exit 4").exit_code == 4
