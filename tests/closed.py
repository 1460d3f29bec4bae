"""Processes that show nothing of themselves: `python -m tests.closed DIRECTORY`, as an ordinary user.

One names the directory in its arguments. Another does not, was remembered, and has started a third in a
session of its own. It prints as JSON which of them are found, and how the first ended.
"""

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from tests.eventually import eventually
from tests.remains import killed_in, processes_of, remember

CLOSED = "from jobsite.seclusion import seclude; seclude(); print(flush=True); import signal; signal.pause()"
PARENT = (
    "import os, subprocess, sys; from jobsite.seclusion import seclude; seclude();"
    f"child = subprocess.Popen([sys.executable, '-c', {CLOSED!r}], start_new_session=True);"
    "print(child.pid, flush=True); child.wait()"
)


def start(code: str, *arguments: str) -> tuple[subprocess.Popen[str], str]:
    """Begin a closed process; what it says once it is closed."""
    command = [sys.executable, "-c", code, *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert process.stdout
    return process, process.stdout.readline().strip()


def main(directory: Path) -> None:
    """Find them, and end them."""
    named, _ = start(CLOSED, str(directory))
    parent, child = start(PARENT)
    try:
        before = [pid for pid, _ in processes_of(directory)]
        remember(parent.pid, directory)
        parent.kill()
        parent.wait()
        after = sorted(pid for pid, _ in processes_of(directory))
        eventually(lambda: killed_in(directory))
        end = named.poll()
    finally:
        for pid in (named.pid, parent.pid, int(child)):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    told = {"named": named.pid, "child": int(child), "before": before, "after": after, "end": end}
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
