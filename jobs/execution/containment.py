"""How each limit of a job holds on this node: what the trial saw, as words for a person. Plain values.

`enforced`: the kernel holds it, whatever the job does, unless it uses the rights of its account to get out.
`watched`: we look, and end a job that breaks it. `advisory`: the job is told, and may not listen.
"""

import os
import pwd
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final

from jobs.execution.cgroup import Cages
from jobs.execution.trial import Facts


class Level(StrEnum):
    """How far a limit holds."""

    ENFORCED = "enforced"
    WATCHED = "watched"
    ADVISORY = "advisory"


@dataclass(frozen=True)
class Hold:
    """How one limit holds, by which means, and what that comes to."""

    level: Level
    means: str
    sentence: str


@dataclass(frozen=True, kw_only=True)
class Containment:
    """What a node has tried out."""

    facts: Facts = field(default_factory=Facts)
    cpus: int = 1
    """As many as the node says that it has."""

    def table(self) -> dict[str, dict[str, str]]:
        """By limit, as the node's row and each allocation keep it."""
        holds = {
            "processes": _processes(self.facts),
            "memory": _memory(self.facts),
            "cpu": self._cpu(),
            "gpu": GPU,
            "time": KILLED if self.facts.kills else UNTRIED_TIME,
            "separation": _separation(_account()),
        }
        return {
            limit: {name: str(word) for name, word in asdict(hold).items()} for limit, hold in holds.items()
        }

    def cages(self) -> Cages | None:
        """Where its jobs' groups are made. None: they have none."""
        return Cages(Path(self.facts.home)) if self.facts.groups_kill else None

    def close(self) -> None:
        """Leave nothing behind in the machine's tree of groups, unless jobs go on in it."""
        if cages := self.cages():
            cages.close()

    def cpus_for(self, count: int, taken: Iterable[int]) -> tuple[int, ...]:
        """CPUs for a job that nobody else is bound to. Empty: it is bound to none."""
        free = sorted(set(self.facts.cpus) - set(taken))
        return tuple(free[:count]) if self._binds_jobs and len(free) >= count else ()

    @property
    def _binds_jobs(self) -> bool:
        """There are as many CPUs as the node gives away, so each job can have its own."""
        return self.facts.binds and self.cpus <= len(self.facts.cpus)

    def _cpu(self) -> Hold:
        if not self._binds_jobs:
            counts = f"the node gives {self.cpus}, and the worker may use {len(self.facts.cpus)}"
            return Hold(Level.ADVISORY, "none", f"{TOLD} It is bound to none: {counts}.")
        return OWN_CPUS if self.facts.groups_hold_cpus else BOUND


def _processes(facts: Facts) -> Hold:
    if facts.groups_kill:
        return CAGED
    why = f"There is no control group: {facts.refused}."
    if facts.reaps and facts.kills:
        return Hold(Level.WATCHED, "sub-reaper and marker", f"{REAPED} {why}")
    return Hold(Level.ADVISORY, "none", f"What a job leaves in the background may live on. {why}")


def _memory(facts: Facts) -> Hold:
    if facts.groups_hold_memory:
        return LIMITED_MEMORY
    return SAMPLED if facts.measures else UNTRIED_MEMORY


def _separation(account: str) -> Hold:
    ours = "the files and processes of other jobs, and the files in which this platform keeps its passwords"
    reach = "everything on this machine" if account == "root" else ours
    words = f"Every job runs under the worker's own account, {account}, and can reach {reach}."
    return Hold(Level.ADVISORY, f"account {account}", f"{words} Share it with people you trust.")


def _account() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())


CAGED: Final = Hold(
    Level.ENFORCED,
    "cgroup.kill",
    "Whatever a job starts stays in its control group and is killed with it, daemons too, also when the job's"
    " supervisor was killed. Only a process that moves itself to another group on purpose gets away.",
)
REAPED: Final = (
    "While a job's supervisor lives, whatever the job starts falls to it and is killed with the job."
    " If the supervisor is killed as well, processes that have dropped their environment can be left."
)
LIMITED_MEMORY: Final = Hold(
    Level.ENFORCED, "memory.max", "The kernel kills a job that takes more memory than it asked for."
)
SAMPLED: Final = Hold(
    Level.WATCHED,
    "sampling",
    "The memory of all processes of a job is measured again and again, and a job well above its request is"
    " ended. A sudden jump can take the machine's memory before that is seen.",
)
UNTRIED_MEMORY: Final = Hold(Level.ADVISORY, "none", "Memory cannot be measured here.")
TOLD: Final = "A job is told how many CPUs are its own."
OWN_CPUS: Final = Hold(Level.ENFORCED, "cpuset", "A job runs on CPUs of its own and on no other.")
BOUND: Final = Hold(
    Level.ADVISORY,
    "affinity",
    "A job is bound to CPUs of its own. A program that binds itself anew can use others.",
)
GPU: Final = Hold(
    Level.ADVISORY,
    "CUDA_VISIBLE_DEVICES",
    "A job's environment tells which GPUs are its own, and shows none to a job that asked for none."
    " A program that does not listen can use others.",
)
KILLED: Final = Hold(
    Level.ENFORCED,
    "SIGTERM, then SIGKILL",
    "At its limit a job is asked to end and, after the grace, killed. Its clock goes on in a suspend.",
)
UNTRIED_TIME: Final = Hold(Level.ADVISORY, "none", "It was not seen here that a process can be killed.")
