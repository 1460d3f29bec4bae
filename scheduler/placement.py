"""Who runs where: a pure function over plain values. No Django, no clock, no input or output.

Jobs are looked at in the order in which they come: by priority, then age. A job goes to the node on which it
leaves the least behind (best fit), so that wide jobs find whole nodes; a job that needs no GPU leaves nodes
with free GPUs to others when it can. What does not fit waits with a true reason, and does not stop
those after it; starts are not planned ahead, so a wide job may wait long behind a stream of small ones.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from jobs.resources import Capacity
from jobs.states import Reason


@dataclass(kw_only=True)
class Offer:
    """A node's free resources, and why it may take nothing at all."""

    key: int
    name: str
    size: Capacity
    cpus: int
    memory_mb: int
    gpus: list[int]
    partitions: frozenset[int]
    closed: str = ""
    """Empty, or a clause such as "n1 is drained" that says why it takes no job."""
    deaf: bool = False
    """It lives, but does not hear the broker."""

    @property
    def free(self) -> Capacity:
        """What is left of it."""
        return Capacity(cpus=self.cpus, memory_mb=self.memory_mb, gpus=len(self.gpus))

    def take(self, asked: Capacity) -> tuple[int, ...]:
        """Give this much away, and answer which GPUs those are."""
        given = tuple(self.gpus[: asked.gpus])
        del self.gpus[: asked.gpus]
        self.cpus -= asked.cpus
        self.memory_mb -= asked.memory_mb
        return given


@dataclass(frozen=True, kw_only=True)
class Request:
    """A waiting job."""

    key: int
    asked: Capacity
    partition: int
    partition_name: str


@dataclass(frozen=True)
class Place:
    """Where a job goes, and with which GPUs."""

    job: int
    node: int
    gpus: tuple[int, ...]


@dataclass(frozen=True)
class Wait:
    """Why a job does not start now: the reason, and a sentence for a person."""

    job: int
    reason: Reason
    sentence: str


@dataclass
class Plan:
    """The answer to one pass."""

    places: list[Place] = field(default_factory=list)
    waits: list[Wait] = field(default_factory=list)


def place(requests: Iterable[Request], offers: Sequence[Offer]) -> Plan:
    """Give each job a node or a reason. The offers are used up; nothing is ever given twice."""
    before = {offer.key: offer.free for offer in offers}
    plan = Plan()
    for request in requests:
        usable = [offer for offer in offers if request.partition in offer.partitions]
        fitting = [offer for offer in usable if _takes(offer) and request.asked.fits_in(offer.free)]
        if not fitting:
            plan.waits.append(_wait(request, usable, before))
            continue
        chosen = min(fitting, key=lambda offer: _left_behind(offer, request.asked))
        plan.places.append(Place(request.key, chosen.key, chosen.take(request.asked)))
    return plan


def _takes(offer: Offer) -> bool:
    return not offer.closed and not offer.deaf


def _left_behind(offer: Offer, asked: Capacity) -> tuple[int, int, int, str]:
    wasted_gpus = len(offer.gpus) - asked.gpus
    return wasted_gpus, offer.cpus - asked.cpus, offer.memory_mb - asked.memory_mb, offer.name


def _wait(request: Request, usable: Sequence[Offer], before: dict[int, Capacity]) -> Wait:
    """The first true reason, from the widest cause to the narrowest."""
    name = request.partition_name
    if not usable:
        return Wait(request.key, Reason.REQ_NODE_NOT_AVAIL, f"Partition {name} has no node yet.")
    if not any(request.asked.fits_in(offer.size) for offer in usable):
        sentence = f"It asks for {request.asked}, and no node of partition {name} is that large."
        return Wait(request.key, Reason.BAD_CONSTRAINTS, sentence)
    large = [offer for offer in usable if request.asked.fits_in(offer.size)]
    if not any(_takes(offer) for offer in large):
        return _closed(request, large)
    roomy = [offer for offer in large if _takes(offer)]
    if any(request.asked.fits_in(before[offer.key]) for offer in roomy):
        sentence = "Jobs with a higher priority, or older ones, took the resources that were free."
        return Wait(request.key, Reason.PRIORITY, sentence)
    best = max(roomy, key=lambda offer: (offer.cpus, offer.memory_mb, len(offer.gpus), offer.name))
    sentence = f"It needs {request.asked}; {best.name} has {best.free} free."
    return Wait(request.key, Reason.RESOURCES, sentence)


def _closed(request: Request, large: Sequence[Offer]) -> Wait:
    if any(offer.deaf and not offer.closed for offer in large):
        sentence = "The queue waits for its broker, which does not answer. The job starts when it is back."
        return Wait(request.key, Reason.BROKER_DOWN, sentence)
    why = "; ".join(sorted(offer.closed for offer in large))
    return Wait(request.key, Reason.REQ_NODE_NOT_AVAIL, f"No node that could run it takes jobs: {why}.")
