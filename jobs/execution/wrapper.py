"""The wrapper: supervises one attempt of one job, in a session of its own, with the standard library alone.

It has no Django, no secret, no database and no broker. It forks the job blocked on a pipe, links the ticket,
and only then opens the pipe; if the ticket's name is taken, the job never runs. It is the only killer of its
tree, and it writes exit.json when that tree is empty. Its imports are few, because every job pays for them.
"""

import contextlib
import os
import signal
import sys

from jobs.execution import cage, child_bounds, job_process, kernel, lean, procfs, scratch
from jobs.execution.attempt import HEARD, Attempt
from jobs.faults import faultpoint


def run():  # type: () -> int
    """Run the attempt whose directory this process is in. One line on standard output is the answer."""
    _isolate()
    request = lean.decode(procfs.read("request.json"))
    attempt = Attempt(request)
    why = attempt.fork()
    if not why:
        _take_charge()
        why = attempt.begin()
    _answer(why or "linked")
    if why:
        return 1
    attempt.supervise()
    faultpoint("exit.after_wait")
    group = request.get("cgroup")
    cage.empty(group)
    try:
        scratch.clear()
    except Exception:  # noqa: BLE001 - whatever it is, how the job ended is still to be told
        sys.excepthook(*sys.exc_info())
    attempt.record()
    cage.remove(group)  # only now: the group is where the kernel counts what it killed for its memory
    return 0


def _isolate():  # type: () -> None
    """Leave behind what the worker may have given, to us and to the job: descriptors, signals, umask."""
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    lean.pthread_sigmask(lean.SIG_SETMASK, HEARD)
    job_process.default_signals()
    os.umask(0o077)
    kernel.set_for_this_process(kernel.PR_SET_NO_NEW_PRIVS, 1)


def _take_charge():  # type: () -> None
    """Set what is the wrapper's alone. After the fork: a page touched before would be copied twice."""
    for number in (signal.SIGPIPE, signal.SIGXFSZ):  # an error is an answer
        lean.signal(number, lean.SIG_IGN)
    with contextlib.suppress(PermissionError):  # already the leader of a session
        os.setsid()
    child_bounds.protect()
    kernel.set_for_this_process(kernel.PR_SET_CHILD_SUBREAPER, 1)


def _answer(word):  # type: (str) -> None
    """Say it, then give the descriptor back, so that whoever waits on it sees its end.

    Nobody may be there to hear: the worker was killed meanwhile. The job goes on all the same.
    """
    with contextlib.suppress(BrokenPipeError):
        os.write(1, word.encode() + b"\n")
    os.dup2(0, 1)
