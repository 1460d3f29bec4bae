"""The embedded servers: what they start from, what they survive, what they refuse."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from jobsite.embedded import account
from jobsite.embedded.lock import Lock, LockedError
from jobsite.embedded.postgres import Postgres
from jobsite.embedded.servers import EmbeddedServers
from tests.eventually import eventually


@pytest.fixture
def var(tmp_path: Path) -> Path:
    """A data directory that is not there yet, with a blank in its path."""
    return tmp_path / "my var"


@pytest.fixture
def servers(var: Path) -> Iterator[EmbeddedServers]:
    with EmbeddedServers(var) as running:
        yield running


def lives(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def ask(servers: EmbeddedServers, question: str) -> object:
    with psycopg.connect(servers.database_url, autocommit=True) as connection:
        cursor = connection.execute(question)
        row = cursor.fetchone() if cursor.description else None
        return row[0] if row else None


def test_they_listen_on_unix_sockets_alone(servers: EmbeddedServers) -> None:
    for name in ("postgres", "broker"):
        assert psutil.Process(servers.pid(name)).net_connections("inet") == []


def test_nobody_else_can_enter_the_directory_of_the_sockets(servers: EmbeddedServers) -> None:
    assert {(servers.var / name).stat().st_mode & 0o777 for name in ("", "run", "postgres", "broker")} == {
        0o700
    }
    assert (servers.var / "run/broker.sock").stat().st_mode & 0o077 == 0


def test_no_mode_above_the_data_directory_is_changed(tmp_path: Path) -> None:
    tmp_path.chmod(0o751)
    with EmbeddedServers(tmp_path / "var"):
        assert tmp_path.stat().st_mode & 0o777 == 0o751


def test_postgres_is_not_root_and_its_files_stay_ours(servers: EmbeddedServers) -> None:
    assert {path.stat().st_uid for path in (servers.var / "postgres").rglob("*")} == {os.geteuid()}


def test_a_restart_after_kill_finds_every_row(servers: EmbeddedServers) -> None:
    ask(servers, "CREATE TABLE kept AS SELECT 7 AS number")
    os.kill(servers.pid("postgres"), signal.SIGKILL)
    servers.stop("postgres")
    servers.start("postgres")
    servers.wait_ready("postgres")
    assert ask(servers, "SELECT number FROM kept") == 7


def test_a_stale_pid_that_lives_again_as_somebody_else_does_not_matter(var: Path) -> None:
    with EmbeddedServers(var) as servers:
        os.kill(servers.pid("postgres"), signal.SIGKILL)
    stale = var / "postgres/postmaster.pid"
    lines = stale.read_text().splitlines()
    stale.write_text("\n".join([str(os.getppid()), *lines[1:]]) + "\n")
    with EmbeddedServers(var) as servers:
        assert ask(servers, "SELECT 1") == 1


def test_a_second_start_in_the_same_directory_is_refused_with_the_pid(servers: EmbeddedServers) -> None:
    with pytest.raises(LockedError) as refusal, EmbeddedServers(servers.var):
        pass
    assert refusal.value.pid == os.getpid()


def test_servers_that_outlived_their_platform_are_ended_by_the_next_start(var: Path) -> None:
    abandoned = EmbeddedServers(var).__enter__()
    for server in abandoned._servers.values():
        server.lock.release()
    with EmbeddedServers(var) as servers:
        assert ask(servers, "SELECT 1") == 1
        assert {child.exit_code for child in abandoned._children.values()} != {None}
        assert None not in {child.exit_code for child in abandoned._children.values()}


def test_a_killed_initdb_leaves_nothing_that_looks_like_a_cluster(var: Path) -> None:
    unfinished = var / "postgres.new"
    unfinished.mkdir(parents=True)
    (unfinished / "PG_VERSION").write_text("18\n")
    with EmbeddedServers(var) as servers:
        assert ask(servers, "SELECT current_database()") == "jobsite"


def test_a_setting_of_the_shell_does_not_reach_postgres(var: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPORT", "1")
    monkeypatch.setenv("PGDATA", "/nonexistent")
    monkeypatch.setenv("LANG", "xx_XX.UTF-8")
    with EmbeddedServers(var) as servers:
        monkeypatch.delenv("PGPORT")
        assert ask(servers, "SHOW server_encoding") == "UTF8"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can take on another account")
def test_where_user_namespaces_are_refused_another_account_serves_below_closed_directories(
    var: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(account, "in_namespace", lambda: account.Account(prefix=("false",)))
    with EmbeddedServers(var) as servers:
        assert ask(servers, "SELECT 1") == 1
        postgres = servers._servers["postgres"]
        assert isinstance(postgres, Postgres)
        assert "refuses user namespaces" in postgres.note
        assert psutil.Process(servers.pid("postgres")).uids().real != 0
    with EmbeddedServers(var) as servers:  # and again, from the files that are now that account's
        assert ask(servers, "SELECT 1") == 1


STARTS_AND_WAITS = """
import pathlib, signal, sys
from jobsite.embedded.servers import EmbeddedServers
servers = EmbeddedServers(pathlib.Path(sys.argv[1])).__enter__()
print(servers.pid("postgres"), servers.pid("broker"), flush=True)
signal.pause()
"""


def test_the_servers_end_when_the_process_that_started_them_is_killed(var: Path) -> None:
    starter = subprocess.Popen(
        [sys.executable, "-c", STARTS_AND_WAITS, str(var)], stdout=subprocess.PIPE, text=True
    )
    assert starter.stdout is not None
    pids = [int(pid) for pid in starter.stdout.readline().split()]
    starter.kill()
    starter.communicate()
    eventually(lambda: not any(lives(pid) for pid in pids))
    with EmbeddedServers(var) as servers:
        assert ask(servers, "SELECT 1") == 1


def test_a_lock_tells_who_holds_it_and_can_be_taken_after_release(tmp_path: Path) -> None:
    lock = Lock(tmp_path / "lock").acquire()
    with pytest.raises(LockedError, match=f"locked by pid {os.getpid()}"):
        Lock(tmp_path / "lock").acquire()
    lock.release()
    Lock(tmp_path / "lock").acquire().release()
