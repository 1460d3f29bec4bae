"""A node as its own agent sees it: its name, its spool, this boot, and what its threads have in hand."""

import logging
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from jobs.execution import cage, processes, procfs
from jobs.execution.cgroup import is_group_of
from jobs.execution.containment import Containment
from jobs.execution.hands import Hands, Pair
from jobs.execution.processes import Identity
from jobs.execution.records import Outcome, Ticket, UnreadableFileError
from jobs.execution.spool import AttemptDirectory, Spool
from jobs.execution.verdict import Evidence, TicketKind
from jobs.execution.watch import Watch
from jobs.models import Job, ResourceAllocation

logger = logging.getLogger("jobs.agent")

Marked = Callable[[str], Collection[Identity]]


class Station:
    """What the settling of this node's jobs rests on."""

    def __init__(
        self,
        node_name: str,
        spool: Spool,
        *,
        hands: Hands | None = None,
        watch: Watch | None = None,
        containment: Containment | None = None,
    ) -> None:
        self.node_name = node_name
        self.spool = spool
        self.boot_id = procfs.boot_id()
        self.containment = containment or Containment()
        self.cages = self.containment.cages()
        self._hands = hands
        self._watch = watch

    def in_hand(self, job_id: int, attempt: int) -> bool:
        """A worker thread of this node is about to launch it."""
        return self._hands is not None and self._hands.hold((job_id, attempt))

    @contextmanager
    def taking(self, job: Job) -> Iterator[bool]:
        """Take a job in hand, as who kills it does: what others see meanwhile tells them nothing.

        False: another thread has it.
        """
        if self._hands is None:
            yield True
            return
        with self._hands.taking((job.pk, job.attempt)) as free:
            yield free

    def in_hands(self) -> set[Pair]:
        """What worker threads of this node have taken and not let go, those that hang too."""
        return self._hands.pairs() if self._hands is not None else set()

    def free_cpus(self, job: Job) -> tuple[int, ...]:
        """CPUs to bind this job to, of which no other job here has one. Empty: it is bound to none.

        Only under the lease's lock, so that no two claims choose at once.
        """
        here = ResourceAllocation.objects.unreleased().filter(node__name=self.node_name)
        taken = [index for indices in here.values_list("cpu_indices", flat=True) for index in indices]
        return self.containment.cpus_for(job.cpus, taken)

    def group_of(self, pair: Pair) -> str:
        """The control group of one attempt. Empty: none has one here."""
        return str(self.cages.path("{}.{}".format(*pair))) if self.cages else ""

    def group_of_job(self, job: Job) -> str:
        """The one that it was given, also by an agent that made them in another place. Empty: it has none.

        Its request is the job's to change, so only a group that is this attempt's is believed of it.
        """
        pair = (job.pk, job.attempt)
        here, told = self.group_of(pair), self.directory_of(job).group()
        if (here and Path(here).is_dir()) or not is_group_of(told, self.spool.spool_id, pair):
            return here
        return told

    def caged(self) -> Iterator[tuple[Pair, list[Identity]]]:
        """The attempts that have a control group now, and the living processes in it."""
        for name in self.cages.names() if self.cages else ():
            pair = self.spool.pair_of(f"{self.spool.spool_id}.{name}")
            if pair is not None:
                found = map(processes.identify, cage.pids(self.group_of(pair)))
                yield pair, [identity for identity in found if identity is not None]

    def open_cage(self, pair: Pair) -> None:
        """Remove the control group of an attempt that runs no longer, if nothing lives in it."""
        if self.cages:
            cage.remove(self.group_of(pair))

    def directory_of(self, job: Job) -> AttemptDirectory:
        """The directory of a job's present attempt."""
        return self.spool.attempt(job.pk, job.attempt)

    def ticket_of(self, job: Job) -> Ticket | None:
        """Who may start its present attempt. One that cannot be read is some wrapper's: it may have run."""
        try:
            return self.directory_of(job).ticket()
        except UnreadableFileError as error:
            logger.error("job=%s attempt=%s: %s", job.pk, job.attempt, error)
            return Ticket(legible=False)

    def outcome_of(self, job: Job) -> Outcome | None:
        """How it ended, by its wrapper's word. One that cannot be read counts as none, and is told of."""
        try:
            return self.directory_of(job).outcome()
        except UnreadableFileError as error:
            logger.error("job=%s attempt=%s: %s", job.pk, job.attempt, error)
            return None

    def observe(self, job: Job, marked: Marked = processes.marked) -> Evidence:
        """Look at spool and processes. The outcome is looked for last, after the wrapper was seen dead.

        `marked` answers which processes carry a marker: a look made after the wrapper had gone will do.
        """
        allocation = held_by(job)
        ticket = self.ticket_of(job)
        wrapper, process = identities(ticket, allocation)
        wrapper_alive = wrapper is not None and processes.is_alive(wrapper)
        process_alive = process is not None and processes.is_alive(process)
        same_spool = allocation.spool_id == self.spool.spool_id
        told = self.outcome_of(job) is not None
        if not process_alive and (told or not wrapper_alive):
            group = self.group_of_job(job)
            others = set(marked(self.token_of(job, allocation))) - {wrapper}
            process_alive = cage.is_populated(group) or bool(others)
        return Evidence(
            same_spool=same_spool,
            same_boot=allocation.boot_id == self.boot_id,
            identity_in_row=allocation.has_identity,
            ticket=kind_of(ticket),
            has_outcome=self.outcome_of(job) is not None,
            wrapper_alive=wrapper_alive,
            process_alive=process_alive,
        )

    def token_of(self, job: Job, allocation: ResourceAllocation) -> str:
        """The marker of its processes, also when they were started from another spool."""
        return f"{allocation.spool_id}.{job.pk}.{job.attempt}"

    def watch_wrapper(self, job: Job) -> bool:
        """Be told when its wrapper, or without one its process, ends. False: neither lives."""
        pair: Pair = (job.pk, job.attempt)
        if self._watch is None or self._watch.watches(pair):
            return True
        wrapper, process = identities(self.ticket_of(job), held_by(job))
        for identity in (wrapper, process):
            pidfd = processes.open_pidfd(identity) if identity is not None else None
            if pidfd is not None:
                self._watch.add(pair, pidfd)
                return True
        return False


def held_by(job: Job) -> ResourceAllocation:
    """The allocation of a running job's present attempt."""
    return ResourceAllocation.objects.get(job=job, attempt=job.attempt)


def kind_of(ticket: Ticket | None) -> TicketKind:
    """Who linked it."""
    if ticket is None:
        return TicketKind.NONE
    return TicketKind.TOMBSTONE if ticket.is_tombstone else TicketKind.WRAPPER


def identities(
    ticket: Ticket | None, allocation: ResourceAllocation
) -> tuple[Identity | None, Identity | None]:
    """Wrapper and job process, by the row or else by the ticket, which the job itself could have changed."""
    if allocation.wrapper_pid is None or allocation.wrapper_ticks is None:
        return (ticket.wrapper, ticket.job) if ticket is not None else (None, None)
    wrapper = Identity(allocation.boot_id, allocation.wrapper_pid, allocation.wrapper_ticks)
    process = Identity(allocation.boot_id, allocation.pid or 0, allocation.start_ticks or 0)
    return wrapper, process
