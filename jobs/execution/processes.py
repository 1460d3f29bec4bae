"""Processes by identity: boot id, pid and start ticks, held through a pidfd; or found by their marker.

Never by pid alone, and never by psutil's creation time, which moves when the clock is corrected.
"""

import os
import select
import signal
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass

from jobs.execution import cage, procfs

DEAD = "ZX"
STOPPED = "Tt"
PATIENCE = 10.0
"""Seconds: who lives on after that cannot be killed now."""
BELIEVED = 200
"""How often nothing must be found where a process may have come and gone between two looks."""
EXEC = 0.02
LOOKS = 3
"""Who shows no environment may be in the middle of an exec: so long is waited, so often is looked again."""


@dataclass(frozen=True)
class Identity:
    """One process of one boot of one machine."""

    boot_id: str
    pid: int
    start_ticks: int


def identify(pid: int) -> Identity | None:
    """The identity of a living process. None: it is gone."""
    stat = procfs.stat_of(pid)
    if stat is None or stat[0] in DEAD:
        return None
    return Identity(procfs.boot_id(), pid, stat[2])


def is_alive(identity: Identity) -> bool:
    """This very process lives. Another boot, another start or a zombie: it does not."""
    return identify(identity.pid) == identity


def is_stopped(identity: Identity) -> bool:
    """Somebody has frozen this very process."""
    stat = procfs.stat_of(identity.pid)
    return stat is not None and stat[0] in STOPPED and is_alive(identity)


def age(identity: Identity) -> float:
    """For how many seconds it has been there, by the clock that counts through a sleep."""
    started = identity.start_ticks / os.sysconf("SC_CLK_TCK")
    return max(time.clock_gettime(time.CLOCK_BOOTTIME) - started, 0.0)


def open_pidfd(identity: Identity) -> int | None:
    """A descriptor of this very process. None: it is gone.

    The start ticks are read after the descriptor is open, so a number used again in between is never held.
    """
    try:
        pidfd = os.pidfd_open(identity.pid)
    except ProcessLookupError:
        return None
    if is_alive(identity):
        return pidfd
    os.close(pidfd)
    return None


def send(identity: Identity, number: signal.Signals) -> bool:
    """Signal this very process. False: it is gone, and nobody else was signalled."""
    if identity.boot_id != procfs.boot_id():
        return False
    return procfs.signal_process(identity.pid, identity.start_ticks, number)


def marked(token: str) -> list[Identity]:
    """The living processes that carry exactly this marker."""
    return [identity for found, identity in all_marked() if found == token]


def marked_now() -> Callable[[str], list[Identity]]:
    """As `marked`, of the processes that live now: one look for many markers."""
    found: dict[str, list[Identity]] = {}
    for token, identity in all_marked():
        found.setdefault(token, []).append(identity)
    return lambda token: found.get(token, [])


def all_marked() -> Iterator[tuple[str, Identity]]:
    """Every living process with a marker, and the marker."""
    unsure = []
    for pid in procfs.pids():
        if found := _marked(pid):
            yield found
        elif procfs.is_between_programs(pid):
            unsure.append(pid)
    if unsure:
        select.select([], [], [], EXEC)
    yield from filter(None, map(_marked, unsure))


def _marked(pid: int) -> tuple[str, Identity] | None:
    token = procfs.marker_of(pid)
    identity = identify(pid) if token else None
    return (token, identity) if token and identity else None


def tree(roots: Iterable[Identity]) -> set[Identity]:
    """Those of the roots that live, and every living process below them."""
    alive = {root for root in roots if is_alive(root)}
    boot = procfs.boot_id()
    return alive | {Identity(boot, *below) for root in alive for below in procfs.descendants(root.pid)}


def kill_tree(
    token: str, roots: Iterable[Identity], *, reaper: Identity | None = None, group: str = ""
) -> bool:
    """KILL these processes, all below them, in their group and with the marker. False: some are left.

    A living `reaper` is stopped first and killed last: what loses its parent falls to it, and stays below it.
    It goes on where the hunt below it was in vain.
    """
    if reaper is None or not send(reaper, signal.SIGSTOP):
        return _empty(group, token, tuple(roots))
    gone = False
    try:
        gone = _empty(group, token, [reaper, *roots], spared=reaper)
    finally:
        if not gone:
            send(reaper, signal.SIGCONT)  # frozen for ever, it would never tell how its tree ends
    return gone and _hunt(token, [reaper])


def _empty(group: str, token: str, roots: Collection[Identity], *, spared: Identity | None = None) -> bool:
    """The group first: it is killed at once, and no fork is quick enough to be missed."""
    return cage.kill(group) and _hunt(token, roots, spared=spared)


def _hunt(token: str, roots: Collection[Identity], *, spared: Identity | None = None) -> bool:
    """Kill as they are found. What forks and leaves in a loop can be missed, so nothing is believed once."""
    before: set[int] = set()
    unsure: Counter[int] = Counter()
    empty = 0
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        living = _kill_all(tree(roots) - {spared})
        pids = procfs.pids()
        missed = spared is not None
        again: set[int] = set()
        for pid in reversed(pids):  # the newest first
            if pid in before:
                continue
            found = identify(pid)
            missed |= found is None
            if found not in (None, spared) and procfs.marker_of(pid) == token:
                living |= _kill_all(tree([found]) - {spared})
            elif unsure[pid] < LOOKS and procfs.is_between_programs(pid):
                unsure[pid] += 1
                again.add(pid)
        before = set() if living else set(pids) - again
        empty = 0 if living else empty + 1
        if empty == BELIEVED or (empty and not missed and not again):
            return True
        _wait_for_any(living)
        if again and not living:
            select.select([], [], [], EXEC)
    return False


def _kill_all(living: set[Identity]) -> set[Identity]:
    for identity in living:
        send(identity, signal.SIGKILL)
    return living


def _wait_for_any(living: Iterable[Identity], milliseconds: int = 50) -> None:
    poll = select.poll()
    pidfds = [pidfd for pidfd in map(open_pidfd, living) if pidfd is not None]
    for pidfd in pidfds:
        poll.register(pidfd, select.POLLIN)
    if pidfds:
        poll.poll(milliseconds)
    for pidfd in pidfds:
        os.close(pidfd)
