"""One machine of a round: a worker with a name, a spool, a boot id and roads to the servers of its own."""

import os
import secrets
from contextlib import ExitStack, suppress
from pathlib import Path
from signal import SIGCONT, SIGKILL, SIGSTOP
from typing import Final

from jobs.execution import cage, cgroup, processes, procfs
from jobs.execution.cgroup import Cages, NoGroupError
from jobs.execution.processes import Identity
from jobs.execution.records import Ticket, UnreadableFileError
from jobs.execution.spool import Spool
from tests.acceptance.proxy import Proxy
from tests.chaos.kept import Kept
from tests.chaos.witness import Pair

LAUNCHER: Final = "jobsite-launch"
ROUNDS: Final = 50


class Node:
    """What can be done to a machine."""

    def __init__(
        self, name: str, spool: Path, boot_id: Path, *, to_broker: Proxy, to_database: Proxy
    ) -> None:
        self.name = name
        self.spool_path, self.boot_id_file = spool, boot_id
        self.to_broker, self.to_database = to_broker, to_database
        self.has_own_disk = False
        self.worker: Kept
        self.new_boot()

    @property
    def spool(self) -> Spool:
        """Where it keeps its jobs."""
        return Spool.open(self.spool_path)

    def new_boot(self) -> None:
        """Another boot of this machine."""
        self.boot_id_file.write_text(secrets.token_hex(16))

    def launcher(self) -> Identity | None:
        """The process that forks the wrappers."""
        for pid in procfs.children_of(self.worker.pid):
            if _name_of(pid) == LAUNCHER:
                return processes.identify(pid)
        return None

    def tickets(self) -> dict[Pair, Ticket]:
        """Of those attempts here whose wrapper lives."""
        spool, found = self.spool, {}
        for token, identity in processes.all_marked():
            pair = spool.pair_of(token)
            ticket = _ticket(spool, pair) if pair and pair not in found else None
            if pair and ticket and ticket.wrapper and _is(ticket.wrapper, identity):
                found[pair] = ticket
        return found

    def tree(self) -> list[Identity]:
        """All that lives on it now: the worker, what it has started, each job with all below it."""
        spool = self.spool
        marked = [identity for token, identity in processes.all_marked() if spool.pair_of(token)]
        worker = processes.identify(self.worker.pid)
        caged = [processes.identify(pid) for group in self.groups() for pid in cage.pids(group)]
        return [*processes.tree([one for one in (worker, *marked, *caged) if one is not None])]

    def groups(self) -> list[str]:
        """The control groups of its attempts."""
        spool_id = self.spool.spool_id
        try:
            homes = [Cages.below(place, spool_id) for place in cgroup.places()]
        except NoGroupError:
            return []
        return [str(cages.path(name)) for cages in homes for name in cages.names()]

    def freeze(self) -> list[Identity]:
        """Stop all that lives on it, so that nothing starts meanwhile; who was stopped."""
        stopped: set[Identity] = set()
        for _ in range(ROUNDS):
            new = set(self.tree()) - stopped
            if not new:
                break
            for identity in new:
                processes.send(identity, SIGSTOP)
            stopped |= new
        return [*stopped]

    def reboot(self) -> None:
        """As by its power switch: all that lives there is gone, and it begins under another boot id."""
        stopped = self.freeze()
        self.new_boot()
        for pid in {identity.pid for identity in stopped}:
            _kill(pid)
        for group in self.groups():
            cage.kill(group)

    def cut_off(self, held: ExitStack) -> None:
        """It reaches nobody until `held` is closed."""
        held.enter_context(self.to_broker.cut())
        held.enter_context(self.to_database.cut())

    def fill_disk(self) -> Path:
        """Take all the room of its spool's disk; the file that has it."""
        ballast = self.spool_path / "ballast"
        piece = bytes(1 << 20)
        with ballast.open("wb", buffering=0) as file, suppress(OSError):
            while file.write(piece):
                pass
        return ballast


def kill(identity: Identity) -> bool:
    """KILL this very process of a node, whose boot id is not ours. False: it was gone."""
    return procfs.signal_process(identity.pid, identity.start_ticks, SIGKILL)


def _is(told: Identity, seen: Identity) -> bool:
    return (told.pid, told.start_ticks) == (seen.pid, seen.start_ticks)


def thaw(stopped: list[Identity]) -> None:
    """Let them go on."""
    for identity in stopped:
        processes.send(identity, SIGCONT)


def _ticket(spool: Spool, pair: Pair) -> Ticket | None:
    try:
        return spool.attempt(*pair).ticket()
    except (UnreadableFileError, OSError):
        return None


def _name_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def _kill(pid: int) -> None:
    """It is stopped and ours, so its number is still its own."""
    try:
        os.kill(pid, SIGKILL)
    except ProcessLookupError:
        return
