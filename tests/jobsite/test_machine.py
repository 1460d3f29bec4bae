"""What a machine has, as the kernel tells it, less what our control groups take away."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from jobsite.machine import Machine

GIB = 1024 * 1024


@pytest.fixture
def lay_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Machine]:
    """A machine with 8 CPUs and 16 GiB whose kernel tells these things."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))

    def make(groups: str = "", **files: str) -> Machine:
        write("proc/meminfo", f"MemTotal: {16 * GIB} kB\nMemFree: 1 kB\n")
        if groups:
            write("proc/self/cgroup", groups)
        for path, text in files.items():
            write(f"cgroup/{path}", text)
        return Machine(proc=tmp_path / "proc", cgroups=tmp_path / "cgroup")

    def write(path: str, text: str) -> None:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)

    return make


def test_a_machine_without_limits_has_what_it_has(lay_out: Callable[..., Machine]) -> None:
    machine = lay_out()
    assert (machine.cpus(), machine.memory_mb(), machine.gpus()) == (8, 16 * 1024, 0)


@pytest.mark.parametrize(
    ("quota", "cpus"),
    [("400000 100000", 4), ("150000 100000", 1), ("10000 100000", 1), ("max 100000", 8), ("900000", 8)],
)
def test_a_group_of_version_2_limits_the_cpus(lay_out: Callable[..., Machine], quota: str, cpus: int) -> None:
    assert lay_out("0::/job\n", **{"job/cpu.max": quota + "\n"}).cpus() == cpus


def test_the_tightest_group_above_us_counts(lay_out: Callable[..., Machine]) -> None:
    files = {
        "a/cpu.max": "200000 100000",
        "a/b/cpu.max": "max 100000",
        "a/memory.max": str(1024**3),
        "a/b/memory.max": "max",
    }
    machine = lay_out("0::/a/b\n", **files)
    assert (machine.cpus(), machine.memory_mb()) == (2, 1024)


def test_a_group_of_version_1_limits_both(lay_out: Callable[..., Machine]) -> None:
    machine = lay_out(
        "4:memory:/job\n3:cpu,cpuacct:/job\n",
        **{
            "memory/job/memory.limit_in_bytes": str(2 * 1024**3),
            "cpu,cpuacct/job/cpu.cfs_quota_us": "300000",
            "cpu,cpuacct/job/cpu.cfs_period_us": "100000",
        },
    )
    assert (machine.cpus(), machine.memory_mb()) == (3, 2048)


def test_no_quota_of_version_1_is_no_limit(lay_out: Callable[..., Machine]) -> None:
    quota = {"cpu/job/cpu.cfs_quota_us": "-1", "cpu/job/cpu.cfs_period_us": "100000"}
    assert lay_out("3:cpu:/job\n", **quota).cpus() == 8


def test_a_limit_above_what_there_is_is_no_limit(lay_out: Callable[..., Machine]) -> None:
    assert lay_out("0::/job\n", **{"job/memory.max": str(2**62)}).memory_mb() == 16 * 1024


def test_a_hybrid_machine_mounts_version_2_in_a_directory_of_its_own(lay_out: Callable[..., Machine]) -> None:
    assert lay_out("0::/job\n", **{"unified/job/cpu.max": "200000 100000"}).cpus() == 2


def test_affinity_counts(lay_out: Callable[..., Machine], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3})
    assert lay_out().cpus() == 1


def test_gpus_are_those_that_the_driver_shows(lay_out: Callable[..., Machine], tmp_path: Path) -> None:
    machine = lay_out()
    for card in ("0000:01:00.0", "0000:02:00.0"):
        (tmp_path / "proc" / "driver" / "nvidia" / "gpus" / card).mkdir(parents=True)
    assert machine.gpus() == 2


def test_this_machine_has_something() -> None:
    assert Machine().cpus() >= 1
    assert Machine().memory_mb() > 1
