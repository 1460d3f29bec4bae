"""What the kernel says of processes: the CPU that they took, the memory that they hold."""

import os
import platform
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def line() -> str:
    """On what, and how busy with other things, this was measured."""
    load = " ".join(f"{part:.1f}" for part in os.getloadavg())
    cpus = len(os.sched_getaffinity(0))
    return f"{cpus} CPUs, Linux {platform.release()}, Python {platform.python_version()}, load {load}"


def cpu_seconds(pid: int) -> float:
    """Its own and that of its children that it has waited for."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / TICKS


def own_cpu_seconds(pid: int) -> float:
    """Its own."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:13])) / TICKS


def pss_mb(pid: int) -> float:
    """Its memory, each page that several processes share divided among them.

    The worker shows that to root alone; to others all its pages count.
    """
    if not os.access(f"/proc/{pid}/smaps_rollup", os.R_OK):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
    for entry in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if entry.startswith("Pss:"):
            return int(entry.split()[1]) / 1024
    raise ValueError(f"process {pid} has no memory")


def children(pid: int) -> list[int]:
    """Of all of its threads."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return [int(child) for task in tasks for child in (task / "children").read_text().split()]
