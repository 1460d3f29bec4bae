"""What some actors see of a part that they need not see all of: what is left out raises when touched."""

from collections.abc import Iterable

from tests.model.packing import UNSEEN
from tests.model.state import (
    COMPLETED,
    CUT,
    DEAD,
    FENCED,
    FINAL,
    FRESH,
    GOES_ON,
    MADE,
    QUEUED,
    REACHES,
    RUNNING,
    STALE,
    STANDS_STILL,
    STARTABLE,
    STARTING,
    STOPPING,
    UNSURE,
    WORKS,
    Hand,
    Job,
    Node,
    acts,
    is_awake,
)

Hands = tuple[tuple[Hand, ...], ...]
NOTHING = Node(*(UNSEEN for _ in Node._fields))
NOBODY = Job(*(UNSEEN for _ in Job._fields))


def _seen(hands: Iterable[Hand], stage: str) -> list[Hand]:
    """Which attempts these have, each once."""
    which = {(hand.job, hand.attempt) for hand in hands}
    return [Hand(stage, job, attempt, UNSEEN) for job, attempt in sorted(which)]


def touched(hands: Hands) -> Hands:
    """Which attempts any thread has."""
    return tuple(tuple(_seen(there, UNSEEN)) for there in hands)


def startable(hands: Hands) -> Hands:
    """Which attempts a thread may still ask the launcher for, and which of them are unsure."""
    return tuple(_startable(there) for there in hands)


def _startable(hands: tuple[Hand, ...]) -> tuple[Hand, ...]:
    unsure = [hand for hand in hands if hand.stage == UNSURE]
    sure = [hand for hand in hands if hand.stage in STARTABLE and hand not in unsure]
    return (*_seen(unsure, UNSURE), *_seen(sure, MADE))


def minded(hands: Hands) -> Hands:
    """Which attempts the sweep leaves alone."""
    seen = (_seen([hand for hand in there if not hand.late], UNSEEN) for there in hands)
    return tuple(tuple(hand._replace(late=0) for hand in there) for there in seen)


def minded_or_startable(hands: Hands) -> tuple[Hands, Hands]:
    """What either of the two sees."""
    return minded(hands), startable(hands)


def agents(nodes: tuple[Node, ...]) -> tuple[Node, ...]:
    """Of those that act, boot and spool."""
    return tuple(
        NOTHING._replace(worker=WORKS, cut=REACHES, machine=GOES_ON, boot=node.boot, spool=node.spool)
        if acts(node)
        else NOTHING._replace(worker=DEAD)
        for node in nodes
    )


def workers(nodes: tuple[Node, ...]) -> tuple[Node, ...]:
    """What a thread learns of its node."""
    return tuple(_of_worker(node) if is_awake(node) else NOTHING._replace(worker=DEAD) for node in nodes)


def _of_worker(node: Node) -> Node:
    return NOTHING._replace(
        worker=WORKS,
        cut=CUT if node.cut == CUT else REACHES,
        lease=node.lease,
        boot=node.boot,
        spool=node.spool,
        renewal=FENCED if node.renewal == FENCED else FRESH,
        owes=node.owes,
        machine=node.machine,
    )


def silence(nodes: tuple[Node, ...]) -> tuple[Node, ...]:
    """Whether its last renewal is old, and whether it stands still."""
    return tuple(
        NOTHING._replace(
            renewal=FRESH if node.renewal == FRESH else STALE,
            machine=STANDS_STILL if node.machine == STANDS_STILL else GOES_ON,
        )
        for node in nodes
    )


def asked_to_end(jobs: tuple[Job, ...]) -> tuple[Job, ...]:
    """Which attempts somebody has cancelled."""
    return tuple(
        NOBODY._replace(cancel=1, attempt=row.attempt, step=STOPPING)
        if row.cancel and row.step in RUNNING
        else NOBODY._replace(cancel=0)
        for row in jobs
    )


def places(jobs: tuple[Job, ...]) -> tuple[Job, ...]:
    """Where each is, and whether it runs or has ended."""
    return tuple(NOBODY._replace(step=_kind(row.step), attempt=row.attempt, node=row.node) for row in jobs)


def _kind(step: str) -> str:
    if step in RUNNING:
        return STARTING
    return COMPLETED if step in FINAL else QUEUED
