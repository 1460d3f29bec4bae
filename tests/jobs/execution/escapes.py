"""Scripts that try to outlive their job. `$TAG` is in the command line of whatever they leave behind.

Each says "out" when it has done what it is here for, so that its failure is not taken for its end.
"""

import os
import sys
from typing import Final

BASH = "#!/bin/bash\n"
PYTHON = f"#!{sys.executable} -IS\nimport os, signal, sys\nTAG = sys.argv[1]\n"
SLEEPS = "exec -a $TAG sleep 600"
UNPRIVILEGED = 64123
"""An account that runs nothing else."""

_AS_SOMEBODY = (
    f"setpriv --reuid {UNPRIVILEGED} --regid {UNPRIVILEGED} --clear-groups --" if os.geteuid() == 0 else ""
)
_ROOM = 40 if os.geteuid() == 0 else 4000
"""How many processes the bomb's account may have: those of the account that runs the tests count as well."""

LEAVES: Final = {
    "double fork": f"{BASH}(( {SLEEPS} ) & ); echo out",
    "setsid": f"{BASH}setsid bash -c '{SLEEPS}' & echo out",
    "nohup": f"{BASH}nohup bash -c '{SLEEPS}' >/dev/null 2>&1 & echo out",
    "env -i": f'{BASH}env -i setsid bash -c "exec -a $TAG sleep 600" & echo out',
    "a daemon that closes everything": PYTHON
    + """
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.chdir("/")
        os.umask(0)
        os.closerange(0, 4096)
        os.execve("/bin/sh", [TAG, "-c", "while :; do sleep 1; done", TAG], {})
    os._exit(0)
os.wait()
print("out")
""",
    "zombies that nobody reaps": PYTHON
    + """
for _ in range(5):
    if os.fork() == 0:
        os._exit(0)
if os.fork() == 0:
    for _ in range(5):
        if os.fork() == 0:
            os._exit(0)
    os.execv("/bin/sleep", [TAG, "600"])
print("out")
""",
    "forks and leaves in a loop": PYTHON
    + """
print("out", flush=True)
while True:
    if os.fork():
        os._exit(0)
    os.setsid()
""",
}
"""They end with code 0 themselves and leave something behind."""

STAYS: Final = {
    "ignores TERM": f"{BASH}trap '' TERM HUP INT; echo out; while :; do sleep 1; done",
    "stopped by SIGSTOP": f"{BASH}( {SLEEPS} ) & echo out; kill -STOP $! $$",
    "fork bomb": (
        f"{BASH}echo out\n{_AS_SOMEBODY} bash -c 'ulimit -u {_ROOM}; bomb() {{ bomb | bomb & }}; bomb' $TAG"
        " 2>/dev/null\nwait; exec sleep 600"
    ),
    "a million descriptors": PYTHON
    + """
os.closerange(0, 3)
held = []
try:
    while len(held) < 1_000_000:
        held.append(os.open("/dev/null", os.O_RDONLY))
except OSError as error:
    held.pop() and os.close(held[-1])
    with open("said", "w") as file:
        file.write(f"out after {len(held)}: {error.strerror}")
signal.pause()
""",
}
"""They have to be stopped at their limit."""

MANY: Final = f"""{BASH}for i in {{1..2000}}; do /bin/true; done; for i in {{1..200}}; do /bin/true & done
echo out"""
