"""Whom the drill kills, one kind after the other, and how each is seen to be back in service."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL
from typing import Final

from jobs.execution import processes, procfs
from jobsite.drill import pulse
from jobsite.drill.pulse import Pulse
from jobsite.drill.sandbox import Sandbox, SandboxError
from recovery import beat

LAUNCHER: Final = "jobsite-launch"

IsBack = Callable[[], bool]


@dataclass(frozen=True, kw_only=True)
class Victim:
    """A kind of process of the sandbox."""

    name: str
    title: str
    seen_by: str
    """By what it is seen to be back, for a person. Empty: it is not meant to come back."""
    moments: tuple[Callable[[], pulse.Moment], ...] = ()

    def strike(self, sandbox: Sandbox, struck: Sequence[int]) -> IsBack | None:
        """Kill it; what tells that it is back, if it is to come back. `struck` are jobs, for the wrappers."""
        if not self.moments:
            _kill_wrappers(sandbox, struck)
            return None
        launchers = _launchers(sandbox) if self.name == "worker" else []
        killed = sandbox.kill(self.name)
        for launcher in launchers:
            processes.send(launcher, SIGKILL)
        works = Pulse(*self.moments)
        return lambda: sandbox.child(self.name) not in (None, killed) and works.moves()


ALL: Final = (
    Victim(
        name="worker",
        title="worker with its launcher",
        seen_by="its agent renews the node's lease",
        moments=(pulse.node,),
    ),
    Victim(name="wrapper", title="wrappers of running jobs", seen_by=""),
    Victim(name="broker", title="broker", seen_by="the node's agent reaches it", moments=(pulse.broker,)),
    Victim(name="scheduler", title="scheduler", seen_by="it leads", moments=(pulse.leader,)),
    Victim(name="beat", title="Beat", seen_by="it sends its task", moments=(beat.last_sent,)),
    Victim(
        name="postgres",
        title="PostgreSQL",
        seen_by="scheduler and agent renew their leases",
        moments=(pulse.node, pulse.leader),
    ),
)


def _launchers(sandbox: Sandbox) -> list[processes.Identity]:
    """The process that forks the wrappers, below the worker."""
    worker = sandbox.child("worker")
    found = [
        processes.identify(pid)
        for pid in (procfs.children_of(worker.pid) if worker else ())
        if _name(pid) == LAUNCHER
    ]
    return [identity for identity in found if identity]


def _name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def _kill_wrappers(sandbox: Sandbox, struck: Sequence[int]) -> None:
    """The jobs live on, and nobody will learn how they end. Raises SandboxError when one was gone already."""
    for job in struck:
        ticket = sandbox.spool.attempt(job, 1).ticket()
        if not (ticket and ticket.wrapper and processes.send(ticket.wrapper, SIGKILL)):
            raise SandboxError(f"The wrapper of the sandbox's job {job} was to be killed, and was not there.")
