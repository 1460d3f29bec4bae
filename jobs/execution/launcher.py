"""Starts a wrapper and waits for its answer: whether the ticket is its own."""

import os
import select
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

from jobs.execution import procfs
from jobs.execution.spool import AttemptDirectory

ROOT = Path(__file__).resolve().parent.parent.parent
PATIENCE = 60.0
CODE = (
    f"import sys; sys.path.insert(0, {str(ROOT)!r}); "
    "from jobs.execution.wrapper import main; raise SystemExit(main())"
)

_unreaped: dict[int, "subprocess.Popen[bytes]"] = {}
_lock = threading.Lock()


@dataclass(frozen=True)
class Launched:
    """The wrapper linked the ticket, so the job starts."""

    pid: int


@dataclass(frozen=True)
class Refused:
    """The job does not start by this wrapper, and why."""

    why: str


def launch(directory: AttemptDirectory) -> Launched | Refused:
    """Start the wrapper of one attempt. Its environment holds the job's marker and nothing of ours."""
    environment = {"PATH": os.defpath, "LANG": "C.UTF-8", procfs.MARKER: directory.token}
    boot = os.environ.get("JOBSITE_BOOT_ID_FILE")
    if boot:
        environment["JOBSITE_BOOT_ID_FILE"] = boot
    log = os.open(
        directory.path / "wrapper.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600
    )
    try:
        wrapper = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", CODE, str(directory.path)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            cwd="/",
            env=environment,
            start_new_session=True,
        )
    finally:
        os.close(log)
    with _lock:
        _unreaped[wrapper.pid] = wrapper
    return _answer(wrapper)


def reap() -> None:
    """Take the wrappers that have ended, so that they do not stay zombies."""
    with _lock:
        for pid, wrapper in list(_unreaped.items()):
            if wrapper.poll() is not None:
                del _unreaped[pid]


def _answer(wrapper: "subprocess.Popen[bytes]") -> Launched | Refused:
    assert wrapper.stdout is not None  # noqa: S101 - it was asked for as a pipe
    with wrapper.stdout as reply:
        ready, _, _ = select.select([reply], [], [], PATIENCE)
        line = reply.readline().decode().strip() if ready else "it did not answer"
    return Launched(wrapper.pid) if line == "linked" else Refused(line or "it ended without an answer")
