"""`make run` as a person meets it: the real process set, started, harmed and stopped."""

import os
import re
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

from jobsite.environment import embedded_database_url
from jobsite.run.processes import STOP_ORDER
from jobsite.run.record import Identity
from tests.acceptance import promise
from tests.client import Client
from tests.eventually import eventually
from tests.platform import Platform, free_ports
from tests.session import ROOT

pytestmark = pytest.mark.acceptance


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """One platform for all tests that leave it as they found it."""
    with Platform(tmp_path_factory.mktemp("run") / "var") as running:
        yield running


def refused(**settings: str) -> str:
    """What a start prints that must not succeed; it is one sentence without a traceback."""
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_URL")} | settings
    ran = subprocess.run(
        [sys.executable, "-m", "jobsite.run"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert ran.returncode == 1
    assert "Traceback" not in ran.stderr
    assert ran.stderr.count("\n") == 1
    return ran.stderr


def family(platform: Platform) -> list[psutil.Process]:
    supervisor = psutil.Process(platform.pid)
    return [supervisor, *supervisor.children(recursive=True)]


def test_every_process_is_announced_with_its_time_and_then_comes_ready(platform: Platform) -> None:
    before_ready = platform.output.partition("\nReady in")[0]
    announced = re.findall(r"^  ✔ (\w+) .* \d+\.\ds$", before_ready, re.MULTILINE)
    assert sorted(announced) == sorted(STOP_ORDER)
    assert re.search(
        r"^Ready in \d+\.\ds\. Open: http://127\.0\.0\.1:\d+/login/\?t=\S+ ", platform.output, re.MULTILINE
    )
    assert "password in" in platform.output
    assert platform.admin_password not in platform.output


def test_nothing_listens_but_the_two_ports_on_loopback(platform: Platform) -> None:
    pids = {process.pid for process in family(platform)}
    ours = {("127.0.0.1", platform.port), ("127.0.0.1", platform.flower_port)}
    listening = {
        connection.laddr
        for connection in eventually(connections, what="a look at every socket")
        if connection.status == psutil.CONN_LISTEN
        and (connection.pid in pids or (connection.pid is None and connection.laddr in ours))
    }  # whose a socket of a secluded process is, root alone can see
    assert listening == ours


def test_the_webs_requests_share_their_sessions_with_the_database(platform: Platform, client: Client) -> None:
    """Also when they come at once: those that found none wait for one, and a few are enough for all."""
    with ThreadPoolExecutor(40) as pool:
        assert {answer.status for answer in pool.map(lambda _: client.ask("GET", "jobs/"), range(200))} == {
            200
        }
    begun = web_sessions(platform)
    assert 1 <= len(begun) <= 20
    assert {client.ask("GET", "jobs/").status for _ in range(20)} == {200}
    assert set(web_sessions(platform)) <= set(begun)


def web_sessions(platform: Platform) -> list[int]:
    """The server processes that speak with the web."""
    with psycopg.connect(embedded_database_url(platform.var)) as connection:
        rows = connection.execute("SELECT pid FROM pg_stat_activity WHERE application_name = 'jobsite web'")
        return [pid for (pid,) in rows]


def connections() -> list[Any]:
    """Every socket of this machine. Empty: a process that was looked at ended meanwhile."""
    try:
        return list(psutil.net_connections("inet"))
    except psutil.NoSuchProcess:
        return []


def test_the_data_directory_is_closed_to_others(platform: Platform) -> None:
    for path in platform.var.iterdir():
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode & 0o077 == 0, f"{path} is {mode:o}"


def test_no_secret_is_in_an_argument(platform: Platform) -> None:
    arguments = " ".join(argument for process in family(platform) for argument in process.cmdline())
    for secret in ("admin-password", "flower-password", "cli-token", "secret-key"):
        assert (platform.var / secret).read_text().strip() not in arguments


def test_a_second_start_in_the_same_directory_names_the_first(platform: Platform) -> None:
    port, flower_port = free_ports(2)
    text = refused(
        JOBSITE_VAR=str(platform.var), JOBSITE_PORT=str(port), JOBSITE_FLOWER_PORT=str(flower_port)
    )
    assert f"Jobsite already runs in {platform.var} (pid {platform.pid})." in text


def test_a_taken_port_names_who_has_it_and_another_port(platform: Platform, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        text = refused(JOBSITE_VAR=str(tmp_path / "v"), JOBSITE_PORT=str(port))
    assert re.match(rf"Port {port} is in use by \S+ \(pid {os.getpid()}\)", text)
    assert f"JOBSITE_PORT={port + 1} make run" in text


def test_an_odd_setting_is_refused_by_name(tmp_path: Path) -> None:
    text = refused(JOBSITE_VAR=str(tmp_path / "v"), JOBSITE_CPUS="many")
    assert text == "JOBSITE_CPUS is 'many'; it must be a whole number from 1 to 4096.\n"


def test_a_path_too_long_for_a_socket_is_refused(tmp_path: Path) -> None:
    assert "a unix socket's path holds 107 bytes" in refused(JOBSITE_VAR=str(tmp_path / ("d" * 100)))


def test_a_directory_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    platform = Platform(tmp_path / "v", prefix=WITHOUT_ROOTS_POWER if os.geteuid() == 0 else ())
    platform._output = tmp_path.parent / f"{tmp_path.name}.output"
    assert platform.start().wait_ended() == 1
    assert platform.output.startswith(
        f"The data directory {tmp_path / 'v'} cannot be written (Permission denied)."
    )
    assert platform.output.count("\n") == 1


WITHOUT_ROOTS_POWER = ("setpriv", "--bounding-set=-dac_override,-dac_read_search")


def test_a_file_that_cannot_be_written_is_told_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "v").mkdir()
    (tmp_path / "v" / "flower-password").mkdir()
    text = refused(JOBSITE_VAR=str(tmp_path / "v"), **free())
    assert text.startswith("Jobsite cannot go on: [Errno 21] Is a directory: ")


def test_a_broker_of_ones_own_that_does_not_answer_is_told(tmp_path: Path) -> None:
    text = refused(JOBSITE_VAR=str(tmp_path / "v"), REDIS_URL="redis://127.0.0.1:1/0", **free())
    assert text.startswith("The broker does not answer: ")


def free() -> dict[str, str]:
    port, flower_port = free_ports(2)
    return {"JOBSITE_PORT": str(port), "JOBSITE_FLOWER_PORT": str(flower_port)}


@pytest.mark.parametrize("name", ["web", "scheduler", "worker", "beat", "flower", "broker", "postgres"])
def test_a_child_that_is_killed_is_started_again(platform: Platform, name: str) -> None:
    ready_before = platform.output.count(f"✔ {name}")
    killed = platform.kill(name)
    platform.wait_restarted(name, killed)
    eventually(lambda: platform.output.count(f"✔ {name}") > ready_before, within=20)
    assert f"! {name} was ended by SIGKILL; starting it again in" in platform.output


def test_two_platforms_run_side_by_side(platform: Platform, tmp_path: Path) -> None:
    with Platform(tmp_path / "var") as other:
        assert other.exit_code is None
        assert platform.exit_code is None
        assert other.admin_password != platform.admin_password
        promise.is_kept(other.environment)


def test_it_stops_in_order_within_five_seconds_and_starts_again_with_what_it_had(tmp_path: Path) -> None:
    tmp_path.chmod(0o751)
    with Platform(tmp_path / "var") as platform:
        kept = (platform.admin_password, platform.cli_token, (platform.var / "secret-key").read_text())
        children = [platform.child(name) for name in STOP_ORDER]
        assert platform.stop(signal.SIGINT) < 5
        assert platform.exit_code == 0
        assert "killed" not in platform.output
        assert [Identity.of(child.pid) for child in children] == [None] * len(children)
        platform.start().wait_ready()
        assert (
            platform.admin_password,
            platform.cli_token,
            (platform.var / "secret-key").read_text(),
        ) == kept
        promise.is_kept(platform.environment)
        assert platform.stop(signal.SIGHUP) < 5
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o751


ORDINARY = ("unshare", "--user", "--map-user=65534", "--map-group=65534")
"""Before a command: it runs as an ordinary user. Root's own files then look like this user's."""


PREFIXES = (
    {"as who we are": (), "as an ordinary user": ORDINARY} if os.geteuid() == 0 else {"as who we are": ()}
)


@pytest.mark.parametrize("prefix", PREFIXES.values(), ids=PREFIXES)
def test_it_runs_a_job_in_a_closed_home_and_changes_no_mode_outside(
    tmp_path: Path, prefix: tuple[str, ...]
) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    modes = {path: path.stat().st_mode for path in (home, *home.parents)}
    with Platform(home / "var", prefix=prefix) as platform:
        client = Client(platform.url, platform.cli_token)
        number = client.submit("id -u; exit 7")
        assert client.until(number, "FAILED")["exit_code"] == 7
        assert client.output(number).decode() == f"{65534 if prefix else os.geteuid()}\n"
        assert ("Jobs run as root here" in platform.output) == (os.geteuid() == 0 and not prefix)
        promise.is_kept(platform.environment)
    assert {path: path.stat().st_mode for path in modes} == modes


def test_after_kill_9_the_children_end_and_the_next_start_recovers(tmp_path: Path) -> None:
    with Platform(tmp_path / "var") as platform:
        children = [platform.child(name) for name in STOP_ORDER]
        platform.crash()
        eventually(lambda: not any(Identity.of(child.pid) for child in children), within=5)
        platform.start().wait_ready()
        promise.is_kept(platform.environment)


@pytest.mark.parametrize("moment", ["Ctrl-C stops everything", "PostgreSQL 18 on"])
def test_a_start_that_is_stopped_before_it_is_ready_leaves_nothing(tmp_path: Path, moment: str) -> None:
    """The first moment is before the database is made, the second before its tables are."""
    platform = Platform(tmp_path / "var").start()
    eventually(lambda: moment in platform.output)
    assert platform.stop(signal.SIGINT) < 5
    assert platform.exit_code == 0
    assert "Traceback" not in platform.output
