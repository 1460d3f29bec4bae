"""Where this node may make control groups, and the group of each attempt. Version 2; see cgroups(7).

Version 1 has no `cgroup.kill` and no group that a job cannot be half in, so it counts as no group. Imports
nothing but the standard library and the cage, because the trial runs it too.
"""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from jobs.execution import cage

CONTROLLERS = ("memory", "cpuset")
PREFIX = "jobsite-"


class NoGroupError(Exception):
    """There is no control group to be had here; the message says why, as the end of a sentence."""


def places(proc: Path = Path("/proc/self")) -> Iterator[Path]:
    """The groups below which ours may be made, the better one first. Raises NoGroupError.

    A service manager that hands a group over and puts us into a leaf of it (systemd: Delegate= and
    DelegateSubgroup=) leaves the leaf's parent free of processes, and only there can controllers be had.
    """
    own = _own_group(proc)
    parent = own.parent
    handed_over = (parent / "cgroup.procs").exists() and os.access(parent / "cgroup.procs", os.W_OK)
    if handed_over and (os.geteuid() != 0 or _is_delegated(parent)):
        yield parent
    yield own


def _own_group(proc: Path) -> Path:
    mount = _mount(proc / "mountinfo")
    for line in (proc / "cgroup").read_text().splitlines():
        if line.startswith("0::/") and ".." not in line:
            return mount / line.removeprefix("0::/")
    raise NoGroupError("this process is in no control group of version 2")


def _mount(mountinfo: Path) -> Path:
    for line in mountinfo.read_text().splitlines():
        fields, _, kind = line.partition(" - ")
        if kind.startswith("cgroup2 "):
            return Path(fields.split()[4])
    raise NoGroupError("control groups of version 2 are not mounted")


def _is_delegated(group: Path) -> bool:
    """The service manager says that the group was handed over; without that, root could write anywhere."""
    return any(_attribute(group, name) == b"1" for name in ("user.delegate", "trusted.delegate"))


def _attribute(group: Path, name: str) -> bytes:
    try:
        return os.getxattr(group, name)
    except OSError:
        return b""


class Cages:
    """The groups of one spool's attempts, side by side in one group of their own."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._held: int | None = None

    @classmethod
    def below(cls, place: Path, spool_id: str) -> "Cages":
        """Those of this spool, in a place that `places` names."""
        return cls(place / f"{PREFIX}{spool_id}")

    def open(self) -> None:
        """Make the common group, with what the kernel hands down. Raises OSError where that is refused.

        It is ours for as long as this process lives: an empty one that nobody holds is anybody's to remove.
        """
        self._hold()
        for group in (self.home.parent, self.home):
            for controller in CONTROLLERS:
                with contextlib.suppress(OSError):  # not there, or processes are in the way
                    (group / "cgroup.subtree_control").write_text(f"+{controller}")
        for other in self.home.parent.glob(f"{PREFIX}*"):
            if other != self.home:
                _remove_deserted(other)

    def close(self) -> None:
        """Let go of the common group, and remove it unless attempts are still in it."""
        if self._held is not None:
            os.close(self._held)
            self._held = None
        with contextlib.suppress(OSError):
            self.home.rmdir()

    def _hold(self) -> None:
        while self._held is None:
            self.home.mkdir(exist_ok=True)
            with contextlib.suppress(FileNotFoundError):  # removed by another, just before we held it
                held = _lock(self.home, fcntl.LOCK_SH)
                if self.home.exists() and os.path.samestat(os.fstat(held), self.home.stat()):
                    self._held = held
                else:
                    os.close(held)

    def path(self, name: str) -> Path:
        """The group of this name, made or not."""
        return self.home / name

    def make(self, name: str, *, memory_mb: int = 0, cpus: tuple[int, ...] = ()) -> Path:
        """An empty group with these limits, as far as its controllers are there. Raises OSError."""
        group = self.path(name)
        cage.remove(str(group))
        group.mkdir(parents=True)
        if memory_mb:
            _limit(group, "memory.max", str(memory_mb * 1024 * 1024))
            _limit(group, "memory.swap.max", "0")
        if cpus:
            _limit(group, "cpuset.cpus", ",".join(map(str, cpus)))
        return group

    def names(self) -> list[str]:
        """The attempts that have a group now."""
        try:
            return [entry.name for entry in self.home.iterdir() if entry.is_dir()]
        except FileNotFoundError:
            return []


def is_group_of(path: str, spool_id: str, pair: tuple[int, int]) -> bool:
    """Some agent of this spool has made this group for this attempt, wherever in the tree it was then."""
    group = Path(path)
    try:
        below = group.relative_to(_mount(Path("/proc/self/mountinfo"))).parts
    except (NoGroupError, ValueError):
        return False
    return ".." not in below and below[-2:] == (f"{PREFIX}{spool_id}", "{}.{}".format(*pair))


def _remove_deserted(home: Path) -> None:
    """Remove the common group of a platform that is no more: no agent holds it, and no job is in it."""
    with contextlib.suppress(OSError):
        held = _lock(home, fcntl.LOCK_EX | fcntl.LOCK_NB)
        try:
            home.rmdir()
        finally:
            os.close(held)


def _lock(home: Path, kind: int) -> int:
    """A descriptor with a lock on the directory. Raises OSError where another has it."""
    descriptor = os.open(home, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, kind)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _limit(group: Path, name: str, value: str) -> None:
    with contextlib.suppress(FileNotFoundError, PermissionError):  # the controller is not there
        (group / name).write_text(value)
