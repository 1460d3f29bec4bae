"""What the model remembers of the platform: rows, spools, processes, messages, nodes.

Plain tuples under names, hashable and small: millions of them are kept. A job's step is spelled as state and
phase of jobs.states; jobs and nodes are numbered from 0, attempts from 1.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

from jobs import states
from jobs.states import Service, Step


def _spelled(step: Step) -> str:
    return f"{step.state}/{step.phase}"


QUEUED: Final = _spelled(states.QUEUED)
PLACED: Final = _spelled(states.PLACED)
STARTING: Final = _spelled(states.STARTING)
ACTIVE: Final = _spelled(states.ACTIVE)
STOPPING: Final = _spelled(states.STOPPING)
COMPLETED: Final = _spelled(states.COMPLETED)
FAILED: Final = _spelled(states.FAILED)
CANCELLED: Final = _spelled(states.CANCELLED)
PENDING: Final = frozenset({QUEUED, PLACED})
RUNNING: Final = frozenset({STARTING, ACTIVE, STOPPING})
FINAL: Final = frozenset({COMPLETED, FAILED, CANCELLED})
HOLDING: Final = RUNNING | {PLACED}

# Job.told
UNTOLD, TOLD, FORSAKEN = 0, 1, 2
"""The dispatcher has it in memory; dispatched_at is set; the dispatcher died before that."""
# Attempt.ticket
NO_TICKET, WRAPPERS, TOMBSTONE = "no ticket", "wrapper's", "tombstone"
# Attempt.wrapper
NO_WRAPPER, REQUESTED, FORKED, LINKED, SUPERVISES, GONE = "none", "asked", "forked", "linked", "open", "gone"
STOPPED: Final = "stopped"
"""By a signal, while it supervised: it lives, and does nothing."""
OPENED_FIRST: Final = "open, not linked"
"""Only in mutants."""
ALIVE: Final = frozenset({FORKED, LINKED, SUPERVISES, STOPPED, OPENED_FIRST})
"""A wrapper process exists."""
# Attempt.process
NEVER_RAN, RUNS, EXITED_0, EXITED_BADLY = "never", "runs", "0", "bad"
CANCEL_KILLED, KILLED, FENCE_KILLED = "cancel", "killed", "fenced"
# Attempt.outcome: what exit.json says
NO_OUTCOME, OUTCOME_0, OUTCOME_BAD, OUTCOME_CANCEL, OUTCOME_FENCED = "", "0", "bad", "cancel", "fenced"
# Node.cut
REACHES, CUT, DEAF = "", "cut", "deaf"
"""It reaches all; neither database nor broker; the database alone."""
# Node.worker
DEAD, WORKS, FROZEN = "dead", "works", "frozen"
# Node.service
UP, DRAIN = Service.UP.value, Service.DRAIN.value
DOWN, RECONCILING = Service.DOWN.value, Service.RECONCILING.value
IN_SERVICE: Final = frozenset({UP, DRAIN})
# Node.machine
GOES_ON, STANDS_STILL, BELIEVES = 0, 1, 2
"""Nothing of it moves, nor its clocks; it goes on, and believes in a lease that ran out meanwhile."""
# Node.renewal: the last one that its agent has noted
STALE, FRESH, FENCED = 0, 1, 2
"""Longer ago than wrappers of requeue jobs bear; younger; long ago, and what has not started is fenced."""
# Hand.stage
DELIVERED, CLAIMED, MADE, WAITS = "delivered", "claimed", "made", "waits"
UNSURE: Final = "unsure"
"""Whether its claim was committed. It holds the lock under which the agent renews."""
STARTABLE: Final = frozenset({UNSURE, CLAIMED, MADE})
"""It may ask the launcher yet."""


class Allocation(NamedTuple):
    """An unreleased allocation. `identity`: the ticket's pids are recorded."""

    attempt: int
    node: int
    boot: int = 0
    spool: int = 0
    identity: int = 0


class Job(NamedTuple):
    """A job's row and what it holds."""

    step: str = QUEUED
    attempt: int = 0
    node: int = -1
    cancel: int = 0
    """cancel_requested_at is set."""
    unstarted: int = 0
    held: int = 0
    """By a person."""
    told: int = UNTOLD
    allocation: Allocation | tuple[()] = ()


class Attempt(NamedTuple):
    """One attempt on its node: directory, ticket, wrapper, process, exit.json."""

    node: int = -1
    directory: int = 0
    ticket: str = NO_TICKET
    wrapper: str = NO_WRAPPER
    process: str = NEVER_RAN
    outcome: str = NO_OUTCOME
    starts: int = 0
    cancel_file: int = 0
    former: int = 0
    """It was started from a spool that the node has lost since."""


class Node(NamedTuple):
    """A node, its agent and its lease."""

    cut: str = REACHES
    worker: str = WORKS
    lease: int = 1
    service: str = UP
    boot: int = 0
    spool: int = 0
    renewal: int = FRESH
    owes: int = 0
    """It has renewed, and found that others had given it up: it notes that when late starts are refused."""
    accounted: int = 0
    """Its agent has found no stray, and is about to put it back into service."""
    drained: int = 0
    machine: int = GOES_ON


class Message(NamedTuple):
    """In the queue of a node."""

    job: int
    attempt: int
    node: int


class Hand(NamedTuple):
    """A worker's thread with a message."""

    stage: str
    job: int
    attempt: int
    late: int = 0
    """For so long that the sweep minds it no more."""


class Leaders(NamedTuple):
    """The scheduler's lease, and of each scheduler its term and its plan: job, attempt seen, node."""

    holder: int
    term: int
    live: int
    schedulers: tuple[tuple[int, tuple[int, ...]], ...]


class Dispatches(NamedTuple):
    """dispatch_seq of each job; what two recoverers have seen: job, attempt, dispatch_seq, node."""

    numbers: tuple[int, ...]
    seen: tuple[tuple[int, ...], ...]


class World(NamedTuple):
    """Everything at one instant."""

    jobs: tuple[Job, ...]
    attempts: tuple[tuple[Attempt, ...], ...]
    messages: tuple[Message, ...]
    hands: tuple[tuple[Hand, ...], ...]
    nodes: tuple[Node, ...]
    faults: int
    leaders: Leaders | tuple[()] = ()
    dispatches: Dispatches | tuple[()] = ()
    look: tuple[int, ...] = ()
    """Only in mutants: what somebody has seen and acts on later."""


Steps = Iterator[tuple[str, World]]


def with_job(world: World, job: int, **columns: Any) -> World:
    """The job's row has these columns."""
    jobs = world.jobs
    return world._replace(jobs=(*jobs[:job], jobs[job]._replace(**columns), *jobs[job + 1 :]))


def with_attempt(world: World, job: int, number: int, **facts: Any) -> World:
    """These facts of one attempt have changed."""
    runs = world.attempts[job]
    runs = (*runs[: number - 1], runs[number - 1]._replace(**facts), *runs[number:])
    return world._replace(attempts=(*world.attempts[:job], runs, *world.attempts[job + 1 :]))


def with_node(world: World, node: int, **facts: Any) -> World:
    """These facts of a node have changed."""
    nodes = world.nodes
    return world._replace(nodes=(*nodes[:node], nodes[node]._replace(**facts), *nodes[node + 1 :]))


def with_messages(world: World, messages: Iterable[Message]) -> World:
    """The broker has these."""
    return world._replace(messages=tuple(sorted(messages)))


def with_hands(world: World, node: int, hands: Iterable[Hand]) -> World:
    """The node's worker has these in hand."""
    return world._replace(hands=(*world.hands[:node], tuple(sorted(hands)), *world.hands[node + 1 :]))


def with_hand(world: World, node: int, index: int, *instead: Hand) -> World:
    """One of them has moved on to a later stage, or lets go."""
    hands = world.hands[node]
    return with_hands(world, node, (*hands[:index], *instead, *hands[index + 1 :]))


def spend(world: World) -> World:
    """One fault less is left."""
    return world._replace(faults=world.faults - 1)


def is_live(world: World, job: int, number: int, node: int) -> bool:
    """The job is RUNNING there with this attempt."""
    row = world.jobs[job]
    return row.attempt == number and row.node == node and row.step in RUNNING


def hands_with(world: World, job: int, number: int, node: int) -> list[Hand]:
    """What threads of the node's worker have this attempt."""
    return [hand for hand in world.hands[node] if hand.job == job and hand.attempt == number]


def is_awake(node: Node) -> bool:
    """Its worker's threads move."""
    return node.worker == WORKS and node.machine != STANDS_STILL


def acts(node: Node) -> bool:
    """Its agent runs and reaches the database."""
    return is_awake(node) and node.cut != CUT
