"""How much a job has written to its output, and the cap on it. Standard library alone, as the wrapper.

The files are looked at while the job writes, and never touched. A hole in a file is no output, so what counts
is what the file takes of the disk, where that is less than its length.
"""

import contextlib
import json
import os

from jobs.execution.watches import NEVER, Watch, amount

AT_FIRST = 0.05
YOUNG = 0.5
"""Seconds in which its programs start, and may write at full speed from one moment to the next."""
IDLE = 0.5
ASLEEP = 1.25
QUIET = 5.0
"""Seconds without a byte, after which it is looked at less often."""
GROWING = 0.1
LEAST = 0.02
"""While it writes, it is looked at again before it can have reached its cap at the speed of the moment."""
QUICK_GRACE = 2.0
MIB = 2**20
FASTEST = 1024 * MIB
"""What it may write within a second, from one moment to the next: a small cap is looked at more often."""
LARGEST = 64 * 1024
LONGEST = 2**63
"""Bytes that a file can have."""
MARGIN = 4 * MIB
"""What may still come after it was asked to end: a last message, no more."""
REMOTE = ("nfs", "nfs4", "cifs", "smb3", "9p", "ceph", "afs", "lustre", "fuse.sshfs")
"""A dead file server makes whoever asks for a size wait: there the cap is not watched."""


class Output(Watch):
    """The cap on a job's output. Finds cause when its files are larger than that."""

    early = 0.4
    hasty = True

    def __init__(self, request, began, child, own):  # type: (dict[str, object], float, int, int) -> None
        self.limit = amount(request, "output_limit_bytes") or NEVER
        self.grace = min(amount(request, "grace_seconds"), QUICK_GRACE)
        self.due = began + AT_FIRST if self.limit < NEVER else NEVER
        self.child = child
        self.own = own
        self.files = []  # type: list[OwnFile]
        self.asked = bool(request.get("stdout") or request.get("stderr"))
        self.written = 0
        self.began = self.looked = self.grew = began

    def look(self, now):  # type: (float) -> str
        """It has written too much."""
        elapsed, self.looked = now - self.looked, now
        written = self._size()
        self.due = now + self._idle(now, written)
        if written > self.written:
            self.grew = now
            until_full = (self.limit - written) * elapsed / (written - self.written)
            self.due = now + min(max(until_full / 2, LEAST), GROWING)  # it may have become faster by then
        self.written = written
        return "output" if written > self.limit else ""

    def _idle(self, now, written):  # type: (float, int) -> float
        """For how long it need not be looked at when it does not write."""
        if now - self.began < YOUNG:
            return AT_FIRST
        idle = IDLE if now - self.grew < QUIET else ASLEEP
        return max(min(idle, (self.limit - written) / FASTEST), GROWING)

    def is_worse(self, now):  # type: (float) -> bool
        """It was asked to end for its output, and writes on."""
        del now
        return self._size() > self.written + MARGIN

    def measured(self):  # type: () -> list[float]
        """What it has written by now, and what it may."""
        return [round(self._size() / MIB, 1), self.limit / MIB]

    def error_file(self):  # type: () -> str
        """Where its error output went, or empty when that was the attempt's own file."""
        files = _files_of_its_own() if self.asked else []
        return files[-1].path if files else ""

    def _size(self):  # type: () -> int
        if self.asked and not self.files:
            self.files = _files_of_its_own()
        return _taken(os.fstat(self.own)) + sum(file.written(self.child) for file in self.files)


class OwnFile:
    """A file of the job's user to which it writes."""

    def __init__(self, noted):  # type: (dict[str, object]) -> None
        """Raises ValueError for what is no file's."""
        self.path = str(noted["path"])
        self.device, self.inode, self.begins = (int(str(noted[n])) for n in ("device", "inode", "begins"))
        if b"\0" in self.path.encode() or not 0 <= self.begins < LONGEST:
            raise ValueError

    def written(self, child):  # type: (int) -> int
        """What this attempt has written, found by the file's name or by what the job holds open."""
        held = (f"/proc/{child}/fd/1", f"/proc/{child}/fd/2")
        for path in (self.path, *held):
            with contextlib.suppress(OSError):
                facts = os.stat(path, follow_symlinks=path in held)  # noqa: PTH116 - pathlib is heavy
                if (facts.st_dev, facts.st_ino) == (self.device, self.inode):
                    return max(_taken(facts) - self.begins, 0)
        return 0


def _taken(facts):  # type: (os.stat_result) -> int
    return min(facts.st_size, facts.st_blocks * 512)


def _files_of_its_own():  # type: () -> list[OwnFile]
    """The output files that the child has noted, each once; none when it has not got so far.

    The job could have changed the note, so nothing in it is believed to be what it should be.
    """
    try:
        noted = json.loads(_read("streams.json"))
        files = [OwnFile(noted[name]) for name in ("stdout", "stderr") if name in noted]
        far = _remote_devices()
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return []
    each = {(file.device, file.inode): file for file in files}
    return [file for file in each.values() if file.path != "/dev/null" and file.device not in far]


def _read(name):  # type: (str) -> bytes
    """A plain file of moderate size; a pipe is never waited for."""
    descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        return os.pread(descriptor, LARGEST, 0)
    finally:
        os.close(descriptor)


def _remote_devices():  # type: () -> set[int]
    """The device numbers of file systems on other machines; proc_pid_mountinfo(5)."""
    found = set()
    with open("/proc/self/mountinfo", "rb") as file:  # noqa: PTH123
        for line in file:
            fields, _, kind = line.decode(errors="replace").partition(" - ")
            if kind.split(" ")[0] in REMOTE:
                major, _, minor = fields.split()[2].partition(":")
                found.add(os.makedev(int(major), int(minor)))
    return found
