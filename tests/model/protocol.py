"""Steps, properties and reductions of packed worlds, each worked out once for all that are alike to it."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple

from tests.model import properties, views
from tests.model.packing import Chain, Memo, Parts, mask_of
from tests.model.reduction import Stage, stages_of
from tests.model.setup import Setup
from tests.model.state import World
from tests.model.steps import ALWAYS, NOW_AND_THEN, Actor

Step = tuple[str, int, int]
"""Label; which bits stay; which come instead of the others."""
WAYS = FORSAKEN, REPAIRED = 1, 2
"""The two ways in which liveness is asked: nothing comes back; all comes back."""
BEFORE, AFTER = ("jobs", "attempts", "faults"), ("jobs",)
"""At what properties.broken_by looks in the worlds on both sides of a step that changes a row."""
NUMBERED = ("dispatches", "messages")
"""And at these, where sending has numbers."""


class Judgement(NamedTuple):
    """What is to be said of all worlds with these rows, attempts and nodes."""

    broken: str
    """Which invariant. Empty: none."""
    clean: Mapping[int, bool]
    """In each of the two ways."""
    over: bool
    """If no message is on its way or in hand, nothing is left that could matter."""


class Protocol:
    """All that can happen in one setup."""

    def __init__(self, setup: Setup) -> None:
        self.parts = parts = Parts()
        self._setup = setup
        self.judged = Memo(parts, self._judge)
        nothing: dict[str, Any] = {"faults": 0, "messages": (), "hands": ((),) * setup.nodes}
        self._nothing = {name: (mask_of([name]), parts.bits(name, value)) for name, value in nothing.items()}
        self._nothing[""] = (0, -1)
        self._quiet = [self._nothing[name] for name in ("messages", "hands")]
        always = Chain(parts, [self._actor(actor) for actor in ALWAYS], {"hands": views.minded_or_startable})
        now_and_then = [(self._actor(actor), *self._nothing[needs]) for needs, actor in NOW_AND_THEN]
        self._actors = [(always, 0, -1), *now_and_then]
        self._stages = [self._stage(stage) for stage in stages_of(setup)]
        self._before = BEFORE + NUMBERED if setup.sequences else BEFORE
        self._after = AFTER + NUMBERED if setup.sequences else AFTER
        self._masks = mask_of(self._before), mask_of(self._after)
        self._broken: dict[tuple[int, int, str], str] = {}

    def is_over(self, world: int) -> bool:
        """Nobody needs to look further than this world."""
        return self.judged(world).over and all(world & mask == nothing for mask, nothing in self._quiet)

    def steps(self, world: int) -> Iterator[Step]:
        """All that are possible; some may lead nowhere."""
        for steps, mask, nothing in self._actors:
            if world & mask != nothing:
                yield from steps(world)

    def _judge(self, world: World) -> Judgement:
        setup = self._setup
        return Judgement(
            properties.broken_in(setup, world),
            {way: properties.is_clean(setup, world, comes_back=way == REPAIRED) for way in WAYS},
            properties.is_over(world) and not properties.is_watched(setup),
        )

    def broken_by(self, before: int, label: str, after: int) -> str:
        """Which invariant this step breaks. Empty: none."""
        of_before, of_after = self._masks
        if not (before ^ after) & of_after:
            return ""
        key = before & of_before, after & of_after, label
        broken = self._broken.get(key)
        if broken is None:
            worlds = self.parts.shown(before, self._before), self.parts.shown(after, self._after)
            broken = self._broken[key] = properties.broken_by(self._setup, worlds[0], label, worlds[1])
        return broken

    def reduced(self, world: int) -> int:
        """The one that stands for it."""
        for differs, changes in self._stages:
            if differs is None or differs(world):
                for change in changes:
                    keep, bits = change(world)
                    world = world & keep | bits
        return world

    def _actor(self, actor: Actor) -> Memo[list[Step]]:
        def made(world: World) -> list[Step]:
            return [
                (label, *self.parts.change(world, after, actor.views))
                for label, after in actor.steps(self._setup, world)
            ]

        return Memo(self.parts, made, actor.views)

    def _stage(self, stage: Stage) -> tuple[Memo[bool] | None, list[Memo[tuple[int, int]]]]:
        def made(change: Callable[[World], World], world: World) -> tuple[int, int]:
            return self.parts.change(world, change(world), stage.views)

        changes = [Memo(self.parts, partial(made, change), stage.views) for change in stage.changes]
        return Memo(self.parts, stage.differs) if stage.differs else None, changes
