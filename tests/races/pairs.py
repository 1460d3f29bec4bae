"""Which of the eleven may meet at one job, who of two then wins, and where the job is afterwards.

Two meet where the job stands at a step that both may move it from: they are raced there. All other pairs are
in IMPOSSIBLE, with the reason; of those, the one that read the row when it still had its chance is raced
against the other, and must never win.
"""

from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

from jobs.states import ACTIVE, PLACED, QUEUED, STARTING, STOPPING, Step
from tests.races.acts import ACTS, GIVE_UP, NAMES, Act

Pair = tuple[str, str]

PENDING_AND_RUNNING = "the one is about a job that nobody has claimed, the other about a claimed one"
NO_PLACE_YET = "the one is about a job without a place, the other about one that has its place"
NOT_CLAIMED_YET = "the one is about a job that no worker has claimed, the other about one with a ticket"

IMPOSSIBLE: dict[Pair, str] = {
    ("finish", "expire"): PENDING_AND_RUNNING,
    ("finish", "claim"): PENDING_AND_RUNNING,
    ("finish", "republish"): PENDING_AND_RUNNING,
    ("finish", "place"): PENDING_AND_RUNNING,
    ("limit", "expire"): PENDING_AND_RUNNING,
    ("limit", "claim"): PENDING_AND_RUNNING,
    ("limit", "republish"): PENDING_AND_RUNNING,
    ("limit", "place"): PENDING_AND_RUNNING,
    ("expire", "declare dead"): PENDING_AND_RUNNING,
    ("expire", "adopt"): PENDING_AND_RUNNING,
    ("declare dead", "claim"): PENDING_AND_RUNNING,
    ("declare dead", "republish"): PENDING_AND_RUNNING,
    ("declare dead", "place"): PENDING_AND_RUNNING,
    ("recover", "place"): NO_PLACE_YET,
    ("claim", "place"): NO_PLACE_YET,
    ("republish", "place"): NO_PLACE_YET,
    ("place", "adopt"): NO_PLACE_YET,
    ("claim", "adopt"): NOT_CLAIMED_YET,
    ("republish", "adopt"): NOT_CLAIMED_YET,
}
"""Pairs that no single step of a job allows, and why."""

LOOKS_AGAIN = "a cancel looks again, and ends what the other one has made of the job"
TICKET_ONLY = "a ticket of a job that is being stopped is recorded, and leaves it where it was"
MESSAGE_ONLY = "a message leaves the job where it was; the node that gets it looks at the row"
NODE_ONLY = "a node that is heard again leaves its jobs where they were"

BOTH: dict[Pair, str] = {
    ("recover", "cancel"): LOOKS_AGAIN,
    ("declare dead", "cancel"): f"{LOOKS_AGAIN} (only of one that may run again)",
    ("claim", "cancel"): LOOKS_AGAIN,
    ("place", "cancel"): LOOKS_AGAIN,
    ("adopt", "cancel"): LOOKS_AGAIN,
    ("adopt", "finish"): TICKET_ONLY,
    ("adopt", "limit"): TICKET_ONLY,
    ("adopt", "recover"): TICKET_ONLY,
    ("adopt", "declare dead"): TICKET_ONLY,
    ("republish", "cancel"): MESSAGE_ONLY,
    ("republish", "expire"): MESSAGE_ONLY,
    ("republish", "recover"): MESSAGE_ONLY,
    ("republish", "claim"): MESSAGE_ONLY,
    **{(name, "rejoin"): NODE_ONLY for name in NAMES if name != "place"},
    **{("rejoin", name): NODE_ONLY for name in NAMES if name != "declare dead"},
}
"""In which order both may win, one after the other, and why that is right. Of all others one wins."""


class Story(NamedTuple):
    """Whether each of the two won, and where the job is then."""

    first: bool
    second: bool
    end: Step


@dataclass(frozen=True)
class Scene:
    """Two who have both seen a job at one step; or one of them at a step, or in an attempt, that is over."""

    first: Act
    second: Act
    step: Step
    late: Act | None = None
    """Whoever of the two read the row too early."""
    read_at: Step | None = None
    """Where the job was then. None: where it is, one attempt ago."""

    @property
    def acts(self) -> tuple[Act, Act]:
        """Both."""
        return self.first, self.second

    @property
    def names(self) -> Pair:
        """Of both."""
        return self.first.name, self.second.name

    def stories(self) -> set[Story]:
        """What may be told when the first one comes first."""
        if self.late is not None:
            return self._stories_of_one()
        moved = self.first.moves[self.step]
        both = Story(first=True, second=True, end=self.second.moves.get(moved, moved))
        alone = Story(first=True, second=False, end=moved)
        match self.names:
            case ("rejoin", "declare dead"):  # the lease that was seen to be over is another one now
                return {alone}
            case ("place", "rejoin"):  # of a silent node nothing is given away
                return {Story(first=False, second=True, end=self.step)}
            case ("rejoin", "place"):  # it may still have read the old lease; the next pass reads the new one
                return {alone, both}
            case (name, other) if name == other and name != "rejoin":  # what is to be done is done once
                return {alone}
        stays = moved == self.step or self.second.looks_again
        return {both} if stays and moved in self.second.moves else {alone}

    def _stories_of_one(self) -> set[Story]:
        """The late one never wins. It may have the row locked while it looks, and the other passes by."""
        on_time = self.second if self.late is self.first else self.first
        story = Story(self.first is on_time, self.second is on_time, on_time.moves[self.step])
        if on_time.passes_by and self.late is not None and self.late.passes_by:
            return {story, Story(first=False, second=False, end=self.step)}
        return {story}

    def stories_in_any_order(self) -> set[Story]:
        """What may be told when nobody knows who came first."""
        turned = self.turned().stories()
        return self.stories() | {Story(first=told.second, second=told.first, end=told.end) for told in turned}

    def turned(self) -> "Scene":
        """The same in the other order."""
        return Scene(self.second, self.first, self.step, self.late, self.read_at)


ALL = tuple(combinations(NAMES, 2))
"""Every unordered pair of the eleven."""
TWINS = tuple((name, name) for name in NAMES)
"""The same one twice: a message that came twice, two sweeps, two who click."""


def scenes_of(pair: Pair) -> list[Scene]:
    """Each step at which these two may meet."""
    return [
        Scene(first, second, step)
        for first in _named(pair[0])
        for second in _named(pair[1])
        for step in first.moves
        if step in second.moves and (first is second or first.name != second.name)
    ]


def late_scenes_of(pair: Pair) -> list[Scene]:
    """One of them read the row before the other had its chance: at an earlier step, or one attempt ago."""
    if pair in IMPOSSIBLE:
        late = [_overtaken(first, second) for first in _named(pair[0]) for second in _named(pair[1])]
    else:
        late = [
            Scene(scene.first, scene.second, scene.step, act)
            for scene in scenes_of(pair)
            if scene.step != STOPPING and GIVE_UP not in scene.acts
            for act in scene.acts
            if not act.looks_again
        ]
    first = [scene if scene.late is scene.first else scene.turned() for scene in late]
    return first + [scene.turned() for scene in first]


ORDER = (QUEUED, PLACED, STARTING, ACTIVE, STOPPING)


def _overtaken(first: Act, second: Act) -> Scene:
    steps = {act: min(act.moves, key=ORDER.index) for act in (first, second)}
    late, on_time = sorted(steps, key=lambda act: ORDER.index(steps[act]))
    return Scene(first, second, steps[on_time], late, steps[late])


def _named(name: str) -> list[Act]:
    return [act for act in ACTS if act.name == name]
