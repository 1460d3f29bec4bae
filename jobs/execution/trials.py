"""The trials, run by jobs.execution.trial in a process of their own: fork, enter, bind and kill for real.

They tell only what they saw happen. The standard library alone, so that all of it is over in some hundredths
of a second.
"""

import contextlib
import ctypes
import json
import mmap
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict

from jobs.execution import cage, cgroup
from jobs.execution.cgroup import Cages, NoGroupError
from jobs.execution.trial import Facts

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
MIB = 1024 * 1024


def main() -> None:
    """In the process of its own."""
    spool_id, groups = sys.argv[1:]
    sys.stdout.write(json.dumps(asdict(attempt(spool_id, groups=groups == "auto"))))


def attempt(spool_id: str, *, groups: bool) -> Facts:
    """Try one thing after the other. What raises has not worked."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    cages, refused = _cages(spool_id) if groups else (None, "JOBSITE_CGROUPS is off")
    return Facts(
        home=str(cages.home) if cages else "",
        refused=refused,
        groups_kill=cages is not None,
        groups_hold_memory=cages is not None and _works(lambda: _memory_is_held(cages)),
        groups_hold_cpus=cages is not None and _works(lambda: _cpus_are_held(cages)),
        binds=_works(_binds),
        reaps=_works(_reaps),
        kills=_works(_kills),
        measures=_works(_measures),
        cpus=tuple(sorted(os.sched_getaffinity(0))),
    )


def _works(trial: Callable[[], bool]) -> bool:
    try:
        return trial()
    except OSError:
        return False


def _cages(spool_id: str) -> tuple[Cages | None, str]:
    """The first place where a group can be made, entered and killed; or why there is none."""
    why = "no place for one was found"
    try:
        for place in cgroup.places():
            cages = Cages.below(place, spool_id)
            try:
                cages.open()
                if _group_kills(cages):
                    return cages, ""
                why = f"a group in {place} did not end its processes"
            except OSError as error:
                why = f"{place} refused it: {error.strerror}"
            cages.close()
    except (NoGroupError, OSError) as error:
        why = str(error)
    return None, why


@contextlib.contextmanager
def _group(cages: Cages, **limits: int | tuple[int, ...]) -> Iterator[str]:
    group = str(cages.make(f"trial-{os.getpid()}", **limits))  # type: ignore[arg-type]
    try:
        yield group
    finally:
        cage.kill(group)
        cage.remove(group)


def _group_kills(cages: Cages) -> bool:
    """A child and the daemon that it left behind die with their group."""
    with _group(cages) as group:
        child = _start(_leave_a_daemon, group)
        daemons = set(cage.pids(group)) - {child}
        killed = bool(daemons) and cage.kill(group)
        return _status(child) == -signal.SIGKILL and killed and not cage.is_populated(group)


def _memory_is_held(cages: Cages) -> bool:
    """One that takes four times what its group may have is killed, and the kernel says that it was."""
    with _group(cages, memory_mb=16) as group:
        if not os.path.exists(f"{group}/memory.max"):  # noqa: PTH110
            return False
        child, said = _fork(_take_memory, group)
        os.close(said)
        return _status(child) == -signal.SIGKILL and cage.oom_kills(group) > 0


def _cpus_are_held(cages: Cages) -> bool:
    """One that binds itself to every CPU is still on its group's alone."""
    allowed = sorted(os.sched_getaffinity(0))
    with _group(cages, cpus=(allowed[0],)) as group:
        child = _start(_widen, group)
        held = os.sched_getaffinity(child) == {allowed[0]}
        os.kill(child, signal.SIGKILL)
        return _status(child) == -signal.SIGKILL and held and len(allowed) > 1


def _binds() -> bool:
    first = min(os.sched_getaffinity(0))
    child = _start(lambda: os.sched_setaffinity(0, {first}))
    bound = os.sched_getaffinity(child)
    os.kill(child, signal.SIGKILL)
    _status(child)
    return bound == {first}


def _reaps() -> bool:
    """The daemon of a child that is gone is ours to wait for."""
    child = _start(_leave_a_daemon)
    os.kill(child, signal.SIGKILL)
    _status(child)
    with open(f"/proc/self/task/{os.getpid()}/children") as file:  # noqa: PTH123
        orphans = [int(word) for word in file.read().split()]
    for orphan in orphans:
        os.kill(orphan, signal.SIGKILL)
    return bool(orphans) and all(_status(orphan) == -signal.SIGKILL for orphan in orphans)


def _kills() -> bool:
    time.clock_gettime(time.CLOCK_BOOTTIME)
    child = _start(lambda: signal.signal(signal.SIGTERM, signal.SIG_IGN))
    pidfd = os.pidfd_open(child)
    signal.pidfd_send_signal(pidfd, signal.SIGTERM)
    signal.pidfd_send_signal(pidfd, signal.SIGKILL)
    os.close(pidfd)
    return _status(child) == -signal.SIGKILL


def _measures() -> bool:
    child = _start(lambda: None)
    with open(f"/proc/{child}/statm") as file:  # noqa: PTH123
        pages = int(file.read().split()[1])
    os.kill(child, signal.SIGKILL)
    _status(child)
    return pages > 0


def _start(ready: Callable[[], object], group: str = "") -> int:
    """A child in the group that has done this and then waits to be killed. Raises OSError if it has not."""
    child, said = _fork(ready, group)
    with os.fdopen(said, "rb") as file:
        if file.read(1):
            return child
    _status(child)
    raise OSError(0, "a process could not do what it was to try")


def _fork(ready: Callable[[], object], group: str) -> tuple[int, int]:
    """The child, and where it writes one byte when it is ready. It dies with us."""
    said, say = os.pipe2(os.O_CLOEXEC)
    child = os.fork()
    if child:
        os.close(say)
        return child, said
    try:
        _die_with_parent()
        if group:
            cage.enter(group)
        ready()
        os.write(say, b"1")
        _wait_for_kill()
    finally:
        os._exit(1)


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _wait_for_kill() -> None:
    while True:
        signal.pause()


def _leave_a_daemon() -> None:
    if os.fork() == 0:
        os.setsid()
        _wait_for_kill()


def _take_memory() -> None:
    block = mmap.mmap(-1, 64 * MIB)
    for start in range(0, len(block), mmap.PAGESIZE):
        block[start] = 1


def _widen() -> None:
    with contextlib.suppress(OSError):
        os.sched_setaffinity(0, range(os.cpu_count() or 1))


def _status(child: int) -> int:
    """How it ended; below zero: by which signal."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
