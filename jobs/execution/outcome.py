"""What a wrapper says of an attempt that has ended: the content of exit.json. Standard library alone.

Nothing is invented: what was not seen is not there. A reader takes what it knows of it.
"""

import os
import resource
import signal

from jobs.execution import cage, last_words
from jobs.execution.usage import Usage, oom_kills  # noqa: F401 - for the types

VERSION = 1
ALMOST_NOTHING = 64 * 1024
MIB = 2**20


def of_status(status, launch_error):  # type: (int, str | None) -> dict[str, object]
    """Exactly one of code, signal and the system's words why it did not start."""
    launched = launch_error is None
    return {
        "exit_code": os.WEXITSTATUS(status) if launched and os.WIFEXITED(status) else None,
        "exit_signal": os.WTERMSIG(status) if launched and os.WIFSIGNALED(status) else None,
        "core_dumped": launched and os.WCOREDUMP(status),
        "launch_error": launch_error,
    }


def of_usage(usage):  # type: (Usage | None) -> dict[str, object]
    """What it used, by the kernel's sums and by what was seen of the whole tree."""
    kernel = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "cpu_seconds": round(kernel.ru_utime + kernel.ru_stime, 3),
        "max_rss_kb": kernel.ru_maxrss,
        "peak_mb": round(max(kernel.ru_maxrss, usage.peak_kb if usage else 0) / 1024, 1),
        "usage": usage.series.points if usage else [],
    }


def memory_ran_out(status, usage, group):  # type: (int, Usage | None, object) -> str
    """The kernel killed for lack of memory: proven by the job's own group, or only suspected, or not seen.

    Suspected: it was ended by a KILL that was not ours, while the kernel killed somebody on this machine.
    """
    if group and cage.oom_kills(str(group)):
        return "proven"
    killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    before = usage.oom_before if usage else None
    return "suspected" if killed and before is not None and oom_kills() > before else ""


def of_bad_end(output, error_file):  # type: (int, str) -> dict[str, object]
    """What may say why: its last words, and whether the disk of the spool is full now."""
    own = f"/proc/self/fd/{output}"
    disk = os.fstatvfs(output)
    free = (disk.f_bavail if os.geteuid() else disk.f_bfree) * disk.f_frsize
    return {
        "last_words": (last_words.of(error_file) if error_file else "") or last_words.of(own, flags=0),
        "disk_full": free < ALMOST_NOTHING,
    }
