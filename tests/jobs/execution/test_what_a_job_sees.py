"""Nothing of the worker's reaches a job: not by its environment, not by descriptors, not by its parent."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from jobs.execution import job_environment
from jobs.execution.job_environment import JobFacts
from jobs.execution.spool import Spool
from tests.jobs.execution import running

CANARY = "canary-4b1d"
DUMP = """#!/bin/sh
tr '\\0' '\\n' < /proc/$$/environ
echo; echo parent; tr '\\0' '\\n' < /proc/$PPID/environ; tr '\\0' '\\n' < /proc/$PPID/cmdline
echo; echo descriptors; for fd in /proc/$$/fd/*; do readlink $fd; done
for fd in /proc/$PPID/fd/*; do readlink $fd; done
"""


@pytest.fixture
def _canaries(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in (
        "JOBSITE_SECRET_KEY",
        "DATABASE_URL",
        "REDIS_URL",
        "AWS_SECRET_ACCESS_KEY",
        "LD_LIBRARY_PATH",
    ):
        monkeypatch.setenv(name, f"{CANARY}-{name}")


@pytest.mark.usefixtures("_canaries")
def test_no_secret_of_the_worker_reaches_a_job(spool: Spool, tmp_path: Path) -> None:
    kept = os.open(tmp_path / CANARY, os.O_RDWR | os.O_CREAT)
    os.set_inheritable(kept, True)
    try:
        directory = running.started(spool, DUMP)
    finally:
        os.close(kept)
    assert running.outcome_of(directory).exit_code == 0
    assert CANARY not in running.said(directory)
    assert "descriptors" in running.said(directory)
    assert all(CANARY not in file.read_text() for file in directory.path.iterdir() if file.is_file())


def test_a_wrapper_leaves_behind_whatever_it_was_started_with(spool: Spool, tmp_path: Path) -> None:
    directory = running.prepared(spool, f"{DUMP}grep -E 'SigI|SigB' /proc/self/status; exit 7")
    kept = os.open(tmp_path / CANARY, os.O_RDWR | os.O_CREAT)
    wrapper = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", running.EXECD, str(directory.path)],
        pass_fds=[kept],
        stdout=subprocess.PIPE,
        preexec_fn=_deafen,
    )
    os.close(kept)
    with wrapper:
        assert running.outcome_of(directory).exit_code == 7
    said = running.said(directory)
    assert CANARY not in said
    (_, blocked, _, ignored) = said.split()[-4:]
    assert (signals_in(blocked), signals_in(ignored)) == (set(), set())


def signals_in(mask: str) -> set[int]:
    """The signals of a mask in /proc, but for 32 and 33.

    Those are the C library's own: its posix_spawn(3), which make uses, ignores them in what it starts, and no
    program can change that through the C library.
    """
    return {number for number in range(1, 65) if int(mask, 16) >> (number - 1) & 1} - {32, 33}


def _deafen() -> None:
    """What a careless parent may hand on: with SIGCHLD ignored, no exit code is told."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1, signal.SIGTERM])


def test_a_job_has_three_descriptors_and_hears_every_signal(spool: Spool) -> None:
    directory = running.started(
        spool,
        "#!/usr/bin/env python3\nimport os, signal\n"
        "print(sorted(int(n) for n in os.listdir('/proc/self/fd'))[:-1])\n"
        "print(signal.pthread_sigmask(signal.SIG_BLOCK, []))\n",
    )
    running.outcome_of(directory)
    assert running.said(directory) == "[0, 1, 2]\nset()\n"


def test_a_job_is_in_a_session_of_its_own_and_can_gain_no_privilege(spool: Spool) -> None:
    script = "umask; [ $(ps -o sid= -p $$) = $$ ] && echo leader; grep -E 'NoNew|SigI|SigB' /proc/self/status"
    directory = running.started(spool, script)
    running.outcome_of(directory)
    said = running.said(directory).split()
    assert said[:2] == ["0077", "leader"]
    (_, blocked, _, ignored, _, no_new_privileges) = said[2:]
    assert (signals_in(blocked), signals_in(ignored), no_new_privileges) == (set(), set(), "1")


def test_files_that_a_job_makes_are_its_owners_alone(spool: Spool) -> None:
    directory = running.started(spool, "touch made")
    running.outcome_of(directory)
    assert (directory.path / "made").stat().st_mode & 0o777 == 0o600
    assert directory.stdout.stat().st_mode & 0o777 == 0o600


def facts(tmp_path: Path) -> JobFacts:
    return JobFacts(
        job_id=7,
        attempt=2,
        token="spool.7.2",
        name="a job",
        user="ana",
        partition="default",
        node="n1",
        cpus=3,
        memory_mb=512,
        gpus=(0, 2),
        started_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        time_limit=timedelta(hours=1),
        restarts=0,
        work_dir=tmp_path,
        scratch=tmp_path / "tmp",
    )


def test_a_job_is_told_what_it_has(tmp_path: Path) -> None:
    told = job_environment.build(facts(tmp_path), {"MINE": "1"})
    assert (told["MINE"], told["SLURM_JOB_ID"], told["SLURM_CPUS_PER_TASK"]) == ("1", "7", "3")
    assert (told["CUDA_VISIBLE_DEVICES"], told["SLURM_GPUS_ON_NODE"]) == ("0,2", "2")
    assert (told["JOBSITE_TOKEN"], told["JOBSITE_ATTEMPT"], told["TMPDIR"]) == (
        "spool.7.2",
        "2",
        f"{tmp_path}/tmp",
    )


MUST = """
JOB_ID JOBID JOB_NAME JOB_USER JOB_UID JOB_PARTITION JOB_NODELIST NODELIST JOB_NUM_NODES NNODES NODEID NTASKS
NPROCS TASKS_PER_NODE PROCID LOCALID CPUS_PER_TASK CPUS_ON_NODE JOB_CPUS_PER_NODE MEM_PER_NODE GPUS_ON_NODE
JOB_GPUS SUBMIT_DIR CLUSTER_NAME JOB_START_TIME JOB_END_TIME TASK_PID
"""


def test_a_job_finds_every_variable_that_slurm_sets_on_one_node(spool: Spool, tmp_path: Path) -> None:
    environment = job_environment.build(facts(tmp_path), {})
    directory = running.started(spool, "echo $$; env", environment=environment)
    assert running.outcome_of(directory).exit_code == 0
    pid, *lines = running.said(directory).splitlines()
    told = dict(line.split("=", 1) for line in lines)
    assert {f"SLURM_{name}" for name in MUST.split()} - set(told) == set()
    assert (told["SLURM_TASK_PID"], told["SLURMD_NODENAME"], told["ROCR_VISIBLE_DEVICES"]) == (
        pid,
        "n1",
        "0,2",
    )
    assert int(told["SLURM_JOB_END_TIME"]) - int(told["SLURM_JOB_START_TIME"]) == 3600
    assert "SLURM_RESTART_COUNT" not in told


def test_what_the_platform_does_not_know_of_a_job_is_not_made_up(tmp_path: Path) -> None:
    told = job_environment.build(facts(tmp_path), {"SLURM_SUBMIT_HOST": "elsewhere"})
    assert {"SLURM_JOB_ACCOUNT", "SLURM_JOB_QOS", "SLURM_SUBMIT_HOST"}.isdisjoint(told)


def test_a_job_that_was_requeued_is_told_how_often(tmp_path: Path) -> None:
    again = job_environment.build(replace(facts(tmp_path), restarts=2, gpus=()), {})
    assert (again["SLURM_RESTART_COUNT"], again["CUDA_VISIBLE_DEVICES"]) == ("2", "")
    assert "SLURM_JOB_GPUS" not in again


@pytest.mark.parametrize(
    "name",
    [
        "LD_PRELOAD",
        "PYTHONPATH",
        "DJANGO_SETTINGS_MODULE",
        "CELERY_BROKER",
        "REDIS_URL",
        "DATABASE_URL",
        "LISTEN_DATABASE_URL",
        "AWS_SECRET_ACCESS_KEY",
        "JOBSITE_TOKEN",
        "SLURM_JOB_ID",
        "BASH_ENV",
        "ENV",
    ],
)
def test_a_variable_of_a_refused_name_is_not_passed_on(tmp_path: Path, name: str) -> None:
    assert job_environment.build(facts(tmp_path), {name: CANARY}).get(name) != CANARY


def test_a_jobs_environment_is_the_same_whatever_the_workers_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = job_environment.build(facts(tmp_path), {})
    monkeypatch.setenv("SOMETHING_NEW", CANARY)
    assert json.dumps(job_environment.build(facts(tmp_path), {})) == json.dumps(before)
