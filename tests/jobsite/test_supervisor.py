"""The supervisor with real, tiny children: what it restarts, how it stops, what it leaves."""

import errno
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import ParamSpec, TypeVar

import pytest

from jobsite.run.child import Child, rotate
from jobsite.run.console import Console, how_it_ended
from jobsite.run.processes import Stage
from jobsite.run.record import Identity, Record, boot_id
from jobsite.run.supervisor import PATIENCE, Charge, Supervisor
from jobsite.run.wakeup import StopRequested, Wakeup
from tests.eventually import eventually

P = ParamSpec("P")
Answer = TypeVar("Answer")

WAITS = "import signal; signal.pause()"
DEAF = (
    "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); signal.pause()"
)

SAYS_MORE = (
    "import signal; signal.signal(signal.SIGUSR1, lambda *_: print('more', flush=True));"
    "print('x' * 2000, flush=True)\nwhile True: signal.pause()"
)


@pytest.fixture
def wakeup() -> Iterator[Wakeup]:
    with Wakeup() as entered:
        yield entered


@pytest.fixture
def supervisor(tmp_path: Path, wakeup: Wakeup) -> Iterator[Supervisor]:
    record = Record(tmp_path / "children.json")
    made = Supervisor(logs=tmp_path, directory=tmp_path, console=Console(), record=record, wakeup=wakeup)
    yield made
    made.stop(Stage.FRONT)
    made.stop(Stage.SERVERS)


def charge(name: str, code: str = WAITS, stage: Stage = Stage.FRONT) -> Charge:
    return Charge(
        name=name,
        address="here",
        stage=stage,
        stop_signal=signal.SIGTERM,
        command=lambda: ([sys.executable, "-I", "-S", "-c", code], os.environ),
        begin=lambda: lambda _: True,
    )


def tells(supervisor: Supervisor, capsys: pytest.CaptureFixture[str], words: str) -> bool:
    """One turn of the supervisor prints these words."""
    return supervisor.run_until_ready() and words in capsys.readouterr().out


def pid(supervisor: Supervisor, name: str) -> int:
    child = supervisor.child(name)
    assert child is not None
    return child.pid


def test_a_child_that_dies_is_started_again_and_a_line_says_so(
    supervisor: Supervisor, capsys: pytest.CaptureFixture[str]
) -> None:
    supervisor.take([charge("web")])
    first = pid(supervisor, "web")
    os.kill(first, signal.SIGKILL)
    eventually(
        lambda: supervisor.run_until_ready() and supervisor.child("web") and pid(supervisor, "web") != first
    )
    assert "web was ended by SIGKILL; starting it again in 0.2s. Its log: " in capsys.readouterr().out


def test_the_delay_grows_and_is_capped(supervisor: Supervisor, capsys: pytest.CaptureFixture[str]) -> None:
    supervisor.take([charge("web", "import select; select.select([], [], [], 0.2); raise SystemExit(3)")])
    for delay in ("0.2s", "0.4s", "0.8s"):
        told = f"ended with exit code 3; starting it again in {delay}"
        eventually(partial(tells, supervisor, capsys, told))


def test_a_request_to_stop_ends_the_waiting_for_children_that_never_get_ready(supervisor: Supervisor) -> None:
    never = charge("web")
    never.begin = lambda: lambda _: False
    supervisor.take([never])
    os.kill(os.getpid(), signal.SIGTERM)
    assert not supervisor.run_until_ready()


def test_a_child_that_ignores_the_request_is_killed_in_time(
    supervisor: Supervisor, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    supervisor.take([charge("broker", DEAF, Stage.SERVERS)])
    eventually(lambda: "deaf" in (tmp_path / "broker.log").read_text())
    begun = time.monotonic()
    supervisor.stop(Stage.SERVERS)
    assert time.monotonic() - begun < 3
    assert "broker did not stop in time and was killed" in capsys.readouterr().out


def test_what_was_done_before_the_last_stage_takes_its_time_from_it(
    supervisor: Supervisor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobsite.run.supervisor.ALTOGETHER", 0.3)
    monkeypatch.setitem(PATIENCE, Stage.SERVERS, 60.0)
    supervisor.take([charge("broker", DEAF, Stage.SERVERS)])
    eventually(lambda: "deaf" in (tmp_path / "broker.log").read_text())
    broker = supervisor.child("broker")
    supervisor.stop(Stage.FRONT)
    supervisor.stop(Stage.SERVERS)
    assert broker
    assert broker.exit_code == -signal.SIGKILL


def test_f28_a_child_that_cannot_be_started_again_is_tried_later_and_the_others_stay(
    supervisor: Supervisor, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """F28, F51: a full disk and a lack of processes fail a start with an error of the system."""
    monkeypatch.setattr("jobsite.run.supervisor.LONGEST_DELAY", 0.1)
    troubled = charge("web")
    supervisor.take([troubled, charge("flower")])
    first, other = pid(supervisor, "web"), pid(supervisor, "flower")
    troubled.command = failing_once(troubled.command, errno.EAGAIN)
    troubled.begin = lambda: failing_once(lambda _: True, errno.ENOENT)
    os.kill(first, signal.SIGKILL)
    eventually(lambda: supervisor.run_until_ready() and troubled.child and troubled.child.pid != first)
    told = "web cannot be started; trying again in 0s: [Errno 11] Resource temporarily unavailable"
    assert told in capsys.readouterr().out
    assert pid(supervisor, "flower") == other


def failing_once(function: Callable[P, Answer], number: int) -> Callable[P, Answer]:
    """Fails as the system does, and works when it is called again."""
    errors = [OSError(number, os.strerror(number))]

    def called(*arguments: P.args, **options: P.kwargs) -> Answer:
        while errors:
            raise errors.pop()
        return function(*arguments, **options)

    return called


def test_f28_a_child_that_cannot_be_written_down_runs_all_the_same(
    supervisor: Supervisor, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """F28: the record of children is on the disk that is full."""
    (tmp_path / "children.tmp").symlink_to("/dev/full")
    supervisor.take([charge("web")])
    assert supervisor.run_until_ready()
    assert "web runs, but could not be written down: [Errno 28] No space left" in capsys.readouterr().out


def test_a_log_whose_directory_was_cleared_away_is_begun_anew(tmp_path: Path) -> None:
    child = Child(["true"], environment=os.environ, log=tmp_path / "logs" / "x.log", directory=tmp_path)
    assert child.wait(5)
    assert (tmp_path / "logs" / "x.log").exists()
    assert (tmp_path / "logs").stat().st_mode & 0o777 == 0o700


def test_servers_stay_until_the_front_has_stopped(supervisor: Supervisor) -> None:
    supervisor.take([charge("postgres", stage=Stage.SERVERS), charge("web")])
    server = pid(supervisor, "postgres")
    supervisor.stop(Stage.FRONT)
    assert Identity.of(server)


def test_a_child_is_in_a_session_of_its_own_and_sees_no_ignored_signal(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    says = (
        "import os, signal; print(os.getsid(0) == os.getpid(), signal.getsignal(signal.SIGHUP), flush=True)"
    )
    supervisor.take([charge("web", f"{says}; {WAITS}")])
    eventually(lambda: "True 0" in (tmp_path / "web.log").read_text())


def test_a_program_that_is_not_there_is_named_in_the_log(tmp_path: Path) -> None:
    child = Child(["/nonexistent/x"], environment={}, log=tmp_path / "x.log", directory=tmp_path)
    assert child.wait(5)
    assert child.exit_code == 127
    assert "/nonexistent/x cannot be started: No such file" in (tmp_path / "x.log").read_text()


def test_a_child_ends_with_the_supervisor_whatever_ends_it(tmp_path: Path) -> None:
    starts = (
        "import os, pathlib, sys\nfrom jobsite.run.child import Child\n"
        "here = pathlib.Path(sys.argv[1])\n"
        "child = Child([sys.executable, '-c', 'import signal; signal.pause()'], environment=os.environ,"
        " log=here / 'x', directory=here)\n"
        "(here / 'pid').write_text(str(child.pid))\nimport signal; signal.pause()"
    )
    parent = Child(
        [sys.executable, "-c", starts, str(tmp_path)],
        environment={**os.environ, "PYTHONPATH": str(Path.cwd())},
        log=tmp_path / "parent.log",
        directory=tmp_path,
    )
    number = int(eventually(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text()))
    parent.send(signal.SIGKILL)
    assert parent.wait(5)
    eventually(lambda: Identity.of(number) is None)


def test_children_of_a_killed_platform_are_ended_by_pid_and_ticks(tmp_path: Path) -> None:
    left = Child(
        [sys.executable, "-c", WAITS], environment=os.environ, log=tmp_path / "x", directory=tmp_path
    )
    Record(tmp_path / "children.json").add("web", left.pid)
    assert Record(tmp_path / "children.json").end_leftovers() == ["web"]
    assert left.wait(5)


@pytest.mark.parametrize("change", ['"boot_id": "', '"web": [1', "{"])
def test_a_record_of_another_boot_or_another_process_or_a_torn_one_harms_nobody(
    tmp_path: Path, change: str
) -> None:
    stranger = Child(
        [sys.executable, "-c", WAITS], environment=os.environ, log=tmp_path / "x", directory=tmp_path
    )
    file = tmp_path / "children.json"
    Record(file).add("web", stranger.pid)
    text = file.read_text()
    assert boot_id() in text
    file.write_text(
        text.replace(f"[{stranger.pid}, ", f"[{stranger.pid}, 1")
        if "web" in change
        else text.replace(change, "x")
    )
    assert Record(file).end_leftovers() == []
    assert stranger.exit_code is None
    stranger.kill_group()


def test_a_large_log_is_begun_anew(tmp_path: Path) -> None:
    log = tmp_path / "web.log"
    log.touch()
    os.truncate(log, 11 * 1024 * 1024)
    rotate(log)
    assert (log.stat().st_size, log.stat().st_mode & 0o777) == (0, 0o600)
    assert (tmp_path / "web.log.1").exists()


def test_the_log_of_a_child_that_goes_on_is_emptied_once_it_is_large(
    supervisor: Supervisor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobsite.run.child.LARGEST_LOG", 1000)
    monkeypatch.setattr("jobsite.run.supervisor.LOGS_EVERY", 0.0)
    supervisor.take([charge("web", SAYS_MORE)])
    log = tmp_path / "web.log"
    eventually(lambda: supervisor.run_until_ready() and (tmp_path / "web.log.1").exists())
    os.kill(pid(supervisor, "web"), signal.SIGUSR1)
    eventually(lambda: log.read_text() == "more\n")
    assert (tmp_path / "web.log.1").stat().st_mode & 0o777 == 0o600


def test_an_end_is_told_in_words() -> None:
    assert how_it_ended(1) == "ended with exit code 1"
    assert how_it_ended(-9) == "was ended by SIGKILL"


def test_a_request_to_stop_ends_work_that_may_be_left_undone(supervisor: Supervisor) -> None:
    def slow() -> tuple[list[str], dict[str, str]]:
        os.kill(os.getpid(), signal.SIGTERM)
        signal.pause()
        raise AssertionError("the work went on")

    unprepared = charge("postgres")
    unprepared.command = slow
    with pytest.raises(StopRequested):
        supervisor.take([unprepared])
    assert unprepared.child is None


def test_work_is_not_begun_after_a_request_to_stop(wakeup: Wakeup) -> None:
    os.kill(os.getpid(), signal.SIGTERM)
    with pytest.raises(StopRequested), wakeup.interrupting():
        pytest.fail("it was begun")


def test_a_second_request_does_not_break_what_follows_the_first(wakeup: Wakeup) -> None:
    def work() -> None:
        with wakeup.interrupting():
            try:
                os.kill(os.getpid(), signal.SIGINT)
            finally:
                os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(StopRequested):
        work()
    assert wakeup.hurry_requested
