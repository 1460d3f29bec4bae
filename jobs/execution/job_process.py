"""The wrapper's child: blocked until its ticket is linked, then the job itself.

Standard library alone, as the wrapper. A child whose gate closes unopened ends without having run anything.
"""

import errno
import os
import signal
import time

from jobs.execution import cage, child_bounds, lean, streams
from jobs.faults import faultpoint


def command(arguments):  # type: (object) -> tuple[list[str], str]
    """How the script is run: by the kernel from its `#!` line, else by bash, else by sh."""
    script = f"{os.getcwd()}/script"  # noqa: PTH109
    rest = [str(argument) for argument in arguments]  # type: ignore[attr-defined]
    descriptor = os.open("script", os.O_RDONLY | os.O_CLOEXEC)
    beginning = os.read(descriptor, 2)
    os.close(descriptor)
    if beginning == b"#!":
        return [script, *rest], ""
    for shell in ("/bin/bash", "/usr/bin/bash", "/usr/local/bin/bash"):
        if os.access(shell, os.X_OK):
            return [shell, script, *rest], f"runs with {shell}, because the script has no #! line"
    return [
        "/bin/sh",
        script,
        *rest,
    ], "runs with /bin/sh, because the script has no #! line and there is no bash"


def become(argv, request, output, gate, failure):  # type: (list[str], dict[str, object], int, int, int) -> None
    """In the child: wait for the gate to open, then become the job. Never returns.

    What keeps it from starting is written to `failure`, in the system's own words.
    """
    try:
        os.setsid()
        null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
        for source, target in ((null, 0), (output, 1), (output, 2)):
            os.dup2(source, target)
        lean.pthread_sigmask(lean.SIG_SETMASK, ())
        child_bounds.bound(ends_with_wrapper=bool(request.get("requeue")))
        if not os.read(gate, 1):
            os._exit(1)
        faultpoint("spawn.before_exec")
        directory = os.getcwd()  # noqa: PTH109
        cage.enter(request.get("cgroup"))
        cage.bind(request.get("cpu_indices"))
        _enter(str(request["work_dir"]))
        streams.redirect(request, directory)
        _execute(argv, dict(request["environment"], SLURM_TASK_PID=str(os.getpid())))  # type: ignore[call-overload]
    except OSError as error:
        os.write(failure, str(error).encode()[:1024])
    finally:
        os._exit(127)


def _enter(directory):  # type: (str) -> None
    try:
        os.chdir(directory)
    except OSError as error:
        raise OSError(f"the work directory cannot be entered: {error}") from error


def _execute(argv, environment):  # type: (list[str], dict[str, str]) -> None
    """Exec, or the system's own words. A worker thread's fork may hold the script open for a moment."""
    for _ in range(100):
        try:
            os.execve(argv[0], argv, environment)  # noqa: S606 - there is no shell in between
        except OSError as error:
            if error.errno == errno.ETXTBSY:
                time.sleep(0.01)
                continue
            raise OSError(error.errno, error.strerror, _culprit(argv[0])) from error
    raise OSError(errno.ETXTBSY, os.strerror(errno.ETXTBSY), argv[0])


def _culprit(path):  # type: (str) -> str
    """What the error is about: the interpreter of the `#!` line where there is one, its bytes visible."""
    with open(path, "rb") as file:  # noqa: PTH123
        first = file.readline(256)
    if not first.startswith(b"#!"):
        return path
    return first[2:].strip(b" \t\n").split(b" ")[0].decode(errors="backslashreplace")


def default_signals():  # type: () -> None
    """An ignored signal is inherited through exec; an ignored SIGCHLD loses exit codes.

    Most are as they should be, and to set each of them again would cost every job half a millisecond.
    """
    for number in range(1, signal.NSIG):
        if lean.getsignal(number):  # neither the default, which is 0, nor None: the C library's own
            lean.signal(number, lean.SIG_DFL)
