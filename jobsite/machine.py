"""What this machine has: CPUs, memory and GPUs that a process of ours may really use.

A container or a batch system may give us less than the hardware has, so affinity and the limits of our own
control group and of each group above it count, in version 1 and version 2.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from jobsite import gpus

_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """The places where the kernel tells; tests lay out their own."""

    proc: Path = Path("/proc")
    cgroups: Path = Path("/sys/fs/cgroup")

    def cpus(self) -> int:
        """CPUs that we may use at the same time, at least one; a fraction is not a CPU."""
        quotas = [*self._quotas_v1(), *self._quotas_v2()]
        return max(1, min([len(os.sched_getaffinity(0)), *(int(quota) for quota in quotas)]))

    def memory_mb(self) -> int:
        """Memory that we may use, in MiB."""
        limits = [*self._numbers("memory", "memory.limit_in_bytes"), *self._numbers("", "memory.max")]
        return max(1, min([self._memory_total(), *limits]) // _MIB)

    def gpus(self) -> int:
        """GPUs that the driver lets us use; 0 without one."""
        cards = self.proc / "driver/nvidia/gpus"
        return gpus.usable(len(list(cards.iterdir())) if cards.is_dir() else 0)

    def _memory_total(self) -> int:
        for line in (self.proc / "meminfo").read_text().splitlines():
            if line.startswith("MemTotal:"):
                return int(line.split()[1]) * 1024
        return _MIB

    def _quotas_v1(self) -> Iterator[float]:
        quotas = self._numbers("cpu", "cpu.cfs_quota_us")
        periods = self._numbers("cpu", "cpu.cfs_period_us")
        for quota, period in zip(quotas, periods, strict=False):
            if quota > 0 and period > 0:
                yield quota / period

    def _quotas_v2(self) -> Iterator[float]:
        for line in self._texts("", "cpu.max"):
            quota, _, period = line.partition(" ")
            if quota != "max":
                yield int(quota) / int(period or 100_000)

    def _numbers(self, controller: str, file: str) -> Iterator[int]:
        for text in self._texts(controller, file):
            if text != "max":
                yield int(text)

    def _texts(self, controller: str, file: str) -> Iterator[str]:
        """The file's text in our group and in every group above it, where it is there."""
        for group in self._groups(controller):
            for level in (group, *group.parents):
                path = self.cgroups / str(level).lstrip("/") / file
                if path.is_file():
                    yield path.read_text().strip()

    def _groups(self, controller: str) -> Iterator[PurePosixPath]:
        """Our group of one controller ('' is version 2), as a path below the mount of all groups."""
        membership = self.proc / "self/cgroup"
        lines = membership.read_text().splitlines() if membership.is_file() else []
        for line in lines:
            _, controllers, path = line.split(":", 2)
            if controller in controllers.split(","):
                yield PurePosixPath("/" + controllers) / path.lstrip("/")
                if not controller:  # a hybrid machine mounts version 2 in a directory of its own
                    yield PurePosixPath("/unified") / path.lstrip("/")
