"""What a job's process is given before it becomes the job: its place before the kernel, and sane limits.

Standard library alone, as the wrapper.
"""

import contextlib
import os
import resource
import signal

from jobs.execution import kernel

PR_SET_PDEATHSIG = 1
WRAPPER_OOM = -800
JOB_OOM = 300
MOST_FILES = 65536
"""Some programs close every descriptor that they may have, one by one."""


def protect():  # type: () -> None
    """The wrapper is the last to be taken when memory runs out, where this account may say so."""
    _adjust(WRAPPER_OOM)


def bound(*, ends_with_wrapper):  # type: (bool) -> None
    """In the child: the job goes before what supervises it, and has a moderate number of files.

    Who may be run again is killed with its wrapper, without which nobody would fence it. Core dumps stay as
    they were inherited: the job may ask for them, up to the hard limit.
    """
    _adjust(JOB_OOM)
    if ends_with_wrapper:
        kernel.set_for_this_process(PR_SET_PDEATHSIG, signal.SIGKILL)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft > MOST_FILES or soft == resource.RLIM_INFINITY:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (MOST_FILES, hard))


def _adjust(score):  # type: (int) -> None
    """Raising is always allowed, lowering needs a privilege; proc_pid_oom_score_adj(5)."""
    with contextlib.suppress(OSError):
        descriptor = os.open("/proc/self/oom_score_adj", os.O_RDWR | os.O_CLOEXEC)
        try:
            if score < 0 or int(os.read(descriptor, 16)) < score:
                os.write(descriptor, b"%d" % score)
        finally:
            os.close(descriptor)
