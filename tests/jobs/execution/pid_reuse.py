"""Gives the pid of a dead process to a stranger, again and again, and looks what becomes of the stranger.

Run it in a PID namespace of its own, where the next pid can be chosen:
`unshare -Urpf --kill-child --mount-proc .venv/bin/python -m tests.jobs.execution.pid_reuse 100`.
It prints how many rounds there were and how many strangers were spared.
"""

import json
import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from jobs.execution import processes, procfs
from jobs.execution.processes import Identity
from jobs.execution.verdict import Evidence, TicketKind, Verdict, decide
from tests.eventually import eventually

LAST_PID = Path("/proc/sys/kernel/ns_last_pid")
NOBODY = "0.0.0"
LIVING = {Verdict.ADOPT, Verdict.HEALTHY}
"""What is decided of a job that lives."""


def main() -> None:
    """As many rounds as the one argument says."""
    rounds = int(sys.argv[1])
    complaints = [list(one_round()) for _ in range(rounds)]
    spared = sum(not found for found in complaints)
    told = {
        "rounds": rounds,
        "spared": spared,
        "complaints": sorted({word for all_ in complaints for word in all_}),
    }
    sys.stdout.write(json.dumps(told) + "\n")


def one_round() -> Iterator[str]:
    """A process dies and a stranger gets its pid. Whatever is wrong with that is named."""
    dead = sleeper()
    identity = processes.identify(dead)
    assert identity is not None
    held = processes.open_pidfd(identity)
    assert held is not None
    eventually(lambda: is_later_than(identity), every=0.002)  # start ticks are as fine as 10 ms
    end(dead)
    LAST_PID.write_text(str(dead - 1))
    stranger = sleeper()
    if stranger != dead:
        yield f"pid {dead} was not had again"
    found = processes.identify(stranger)
    assert found is not None
    yield from touched(identity, found, held)
    os.close(held)
    if processes.identify(stranger) != found or processes.is_stopped(found):
        yield "the stranger was signalled"
    end(stranger)


def touched(dead: Identity, stranger: Identity, held: int) -> Iterator[str]:
    """Every door that takes an identity is tried with that of the dead one."""
    try:
        signal.pidfd_send_signal(held, signal.SIGTERM)
        yield "a stale pidfd signalled somebody"
    except ProcessLookupError:
        pass
    if procfs.signal_process(dead.pid, dead.start_ticks, signal.SIGKILL):
        yield "the wrapper's own signal found it"
    rebooted = replace(stranger, boot_id="of the boot before")
    for name, identity in (("the dead one", dead), ("one of another boot", rebooted)):
        yield from (f"{name} {word}" for word, answer in answers(identity) if answer)


def answers(identity: Identity) -> Iterator[tuple[str, bool]]:
    """What each door says of it; all of it must be false."""
    yield "lives", processes.is_alive(identity) or processes.is_stopped(identity)
    yield "can be held", processes.open_pidfd(identity) is not None
    for number in (signal.SIGSTOP, signal.SIGTERM, signal.SIGKILL):
        yield f"took {number.name}", processes.send(identity, number)
    yield "has a tree", bool(processes.tree([identity]))
    yield "is adopted", decided(identity) in LIVING
    yield "is not proven gone", not processes.kill_tree(NOBODY, [identity], reaper=identity)


def decided(identity: Identity) -> Verdict:
    """What an agent decides of a job whose ticket names this identity for its wrapper and its process."""
    lives = processes.is_alive(identity)
    return decide(
        Evidence(
            same_spool=True,
            same_boot=identity.boot_id == procfs.boot_id(),
            identity_in_row=True,
            ticket=TicketKind.WRAPPER,
            has_outcome=False,
            wrapper_alive=lives,
            process_alive=lives,
        )
    )


def sleeper() -> int:
    """A child that waits for a signal."""
    child = os.fork()
    if child == 0:
        signal.pause()
        os._exit(0)
    return child


def is_later_than(identity: Identity) -> bool:
    """A process that starts now has other start ticks."""
    probe = sleeper()
    ticks = procfs.start_ticks(probe)
    end(probe)
    return ticks is not None and ticks > identity.start_ticks


def end(child: int) -> None:
    """KILL it and take it."""
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


if __name__ == "__main__":
    main()
