"""Only a sandbox may be made to fail, and a sandbox has servers of its own and nobody else's."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from jobsite.environment import Environment, OddSetting
from jobsite.run import processes
from tests.session import ROOT

VAR = "/tmp/jobsite-that-is-not-there"
OWN = {
    "DATABASE_URL": f"postgresql://postgres@/another?host={VAR}/run",
    "LISTEN_DATABASE_URL": f"postgresql://postgres@/another?host={VAR}/run",
    "REDIS_URL": f"redis+socket://{VAR}/run/broker.sock",
}


def read(**variables: str) -> Environment:
    return Environment.read({"JOBSITE_VAR": VAR, **variables})


def test_a_platform_is_no_sandbox_unless_it_is_told_so() -> None:
    assert not read().sandbox
    assert read(JOBSITE_SANDBOX="1").sandbox


def test_faults_need_a_sandbox(tmp_path: Path) -> None:
    with pytest.raises(OddSetting, match=r"^JOBSITE_FAULTS is .* JOBSITE_SANDBOX be 1"):
        read(JOBSITE_FAULTS=str(tmp_path))
    assert read(JOBSITE_FAULTS=str(tmp_path), JOBSITE_SANDBOX="1").faults == str(tmp_path)


@pytest.mark.parametrize("directory", ["relative", "/that/is/not/there", __file__])
def test_faults_are_in_a_directory_that_is_there(directory: str) -> None:
    with pytest.raises(OddSetting, match="the whole path of a directory"):
        read(JOBSITE_FAULTS=directory, JOBSITE_SANDBOX="1")


@pytest.mark.parametrize("name", OWN)
def test_a_sandbox_may_be_told_its_own_servers_in_so_many_words(name: str) -> None:
    assert read(**{name: OWN[name]}, JOBSITE_SANDBOX="1").sandbox


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("DATABASE_URL", "postgresql://me:hunter2@db/jobs"),
        ("DATABASE_URL", "postgresql://postgres@/jobs"),
        ("DATABASE_URL", f"postgresql://postgres@/jobs?host={VAR}/run&hostaddr=10.0.0.1"),
        ("DATABASE_URL", "postgresql://postgres@/jobs?host=/var/run/postgresql"),
        ("LISTEN_DATABASE_URL", f"postgresql://postgres@/jobs?host={VAR}/run,/var/run/postgresql"),
        ("REDIS_URL", "redis://:hunter2@cache:6379/0"),
        ("REDIS_URL", "redis+socket:///run/valkey.sock"),
    ],
)
def test_a_sandbox_with_somebody_elses_server_is_refused(name: str, url: str) -> None:
    with pytest.raises(OddSetting, match=f"^{name} is .*JOBSITE_SANDBOX") as refusal:
        read(**{name: url}, JOBSITE_SANDBOX="1")
    assert "hunter2" not in str(refusal.value)
    assert not read(**{name: url}).sandbox


def commands(environment: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Every process of the platform, and the command that starts all of them."""
    table = processes.table(Environment.read(environment), "password")
    return {process.name: process.argv for process in table} | {
        "run": processes.python("-m", "jobsite.run"),
    }


def test_no_process_of_the_platform_starts_with_faults_outside_a_sandbox(tmp_path: Path) -> None:
    told = {**os.environ, "JOBSITE_VAR": str(tmp_path / "var"), "JOBSITE_FAULTS": str(tmp_path)}
    started = {
        name: subprocess.Popen(argv, cwd=ROOT, env=told, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        for name, argv in commands(os.environ).items()
    }
    said = {name: process.communicate(timeout=60)[0].decode() for name, process in started.items()}
    assert [name for name, process in started.items() if process.returncode == 0] == []
    assert [name for name, words in said.items() if "JOBSITE_SANDBOX be 1" not in words] == [], said
