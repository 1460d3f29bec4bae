"""What the processes of a job use: a small series for people, and the watch over the memory it asked for.

Memory is the sum over the whole tree. The resident sizes are cheap and count what is shared once for each
that shares it, so a sum above the allowance is only believed once the proportional sizes say so too.
Standard library alone, as the wrapper.
"""

import contextlib
import os
import resource

from jobs.execution import procfs
from jobs.execution.watches import NEVER, Watch, amount

STEP = 5.0
"""Seconds between two points; twice as many whenever the series is full."""
MOST_POINTS = 300
AT_FIRST = 0.25
IDLE = 1.0
GROWING = 0.25
ASLEEP = 2.5
HARDLY = 0.02
"""CPU seconds: who uses less than this between two looks does nothing."""
CHEAP_KB = 256 * 1024
"""The kernel walks every page for a proportional size: above this only when it is needed."""
QUICK_GRACE = 2.0
WORSE = 1.25
TICKS = os.sysconf("SC_CLK_TCK")
PAGE_KB = os.sysconf("SC_PAGE_SIZE") // 1024


class Usage(Watch):
    """Looks at the tree again and again. Finds cause when it takes more than its request and its slack."""

    early = 0.4
    hasty = True

    def __init__(self, request, began):  # type: (dict[str, object], float) -> None
        self.due = began + AT_FIRST
        self.asked_mb = amount(request, "memory_mb")
        allowed_mb = self.asked_mb + amount(request, "memory_slack_mb")
        self.allowed_kb = allowed_mb * 1024 if self.asked_mb else NEVER
        self.grace = min(amount(request, "grace_seconds"), QUICK_GRACE)
        self.peak_kb = self.last_kb = 0
        self.last_cpu = 0.0
        self.series = Series(began)
        self.oom_before = None  # type: int | None

    def look(self, now):  # type: (float) -> str
        """It takes more than it asked for."""
        self.due = now + IDLE
        if self.oom_before is None:
            self.oom_before = oom_kills()
        sampling = now >= self.series.due
        used_kb, cpu_seconds = self._measure(exactly=sampling)
        if sampling:
            self.series.add(now, cpu_seconds, used_kb)
        idles = used_kb == self.last_kb and cpu_seconds - self.last_cpu < HARDLY
        grows = used_kb > self.allowed_kb / 2 or used_kb - self.last_kb > CHEAP_KB // 4
        self.due = min(now + (GROWING if grows else ASLEEP if idles else IDLE), self.series.due)
        self.last_kb, self.last_cpu = used_kb, cpu_seconds
        return "memory" if used_kb > self.allowed_kb else ""

    def is_worse(self, now):  # type: (float) -> bool
        """It was asked to end for its memory, and takes still more."""
        del now
        return self._measure()[0] > self.allowed_kb * WORSE

    def measured(self):  # type: () -> list[float]
        """Its peak, and what it asked for."""
        return [round(self.peak_kb / 1024, 1), self.asked_mb]

    def _measure(self, *, exactly=False):  # type: (bool) -> tuple[int, float]
        """KiB and CPU seconds of the tree by now."""
        family = procfs.family(os.getpid())
        living = [pid for pid, _ in family]
        used_kb = sum(int(fields[21]) for _, fields in family) * PAGE_KB
        cpu_ticks = sum(int(ticks) for _, fields in family for ticks in fields[11:15])
        if len(living) > 1 and (exactly or used_kb <= CHEAP_KB or used_kb > self.allowed_kb):
            used_kb = sum(map(_proportional_kb, living))
            self.peak_kb = max(self.peak_kb, used_kb)
        elif len(living) == 1:
            self.peak_kb = max(self.peak_kb, used_kb)
        return used_kb, cpu_ticks / TICKS + reaped_seconds()


class Series:
    """Points of seconds since the start, CPUs and MiB, never more than `MOST_POINTS`."""

    def __init__(self, began):  # type: (float) -> None
        self.began = self.last = began
        self.step = STEP
        self.due = began + STEP
        self.points = []  # type: list[list[float]]
        self.cpu_seconds = 0.0

    def add(self, now, cpu_seconds, used_kb):  # type: (float, float, int) -> None
        """One more point: the CPUs used since the last one, and the memory now."""
        cpus = max(cpu_seconds - self.cpu_seconds, 0.0) / max(now - self.last, 0.001)
        self.points.append([round(now - self.began, 1), round(cpus, 2), round(used_kb / 1024, 1)])
        self.last, self.cpu_seconds = now, max(cpu_seconds, self.cpu_seconds)
        if len(self.points) >= MOST_POINTS:
            pairs = zip(self.points[::2], self.points[1::2])  # noqa: B905 - an odd one out is dropped
            self.points = [[b[0], round((a[1] + b[1]) / 2, 2), max(a[2], b[2])] for a, b in pairs]
            self.step *= 2
        self.due = now + self.step


def reaped_seconds():  # type: () -> float
    """CPU seconds of everything that has ended below the wrapper."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def oom_kills():  # type: () -> int
    """How many processes this machine's kernel has killed for lack of memory since it started."""
    with contextlib.suppress(OSError):
        _, _, rest = procfs.read("/proc/vmstat").partition(b"\noom_kill ")
        return int(rest.split(None, 1)[0]) if rest else 0
    return 0


def _proportional_kb(pid):  # type: (int) -> int
    """Its memory, where a page that several share counts for each with its part of it."""
    with contextlib.suppress(OSError):
        _, _, rest = procfs.read(f"/proc/{pid}/smaps_rollup").partition(b"\nPss:")
        if rest:
            return int(rest.split(None, 1)[0])
    fields = procfs.stat_fields(pid)
    return int(fields[21]) * PAGE_KB if fields else 0
