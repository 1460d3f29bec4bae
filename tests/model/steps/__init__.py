"""What can happen next, by who does it. `all_of` is every step that is possible in a world."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from tests.model import views
from tests.model.packing import View
from tests.model.setup import Setup
from tests.model.state import Steps, World
from tests.model.steps import agent, dispatching, faults, lost, nodes, people, scheduling, worker, wrapper


class Actor(NamedTuple):
    """Its steps, and what it sees of some parts."""

    steps: Callable[[Setup, World], Steps]
    views: Mapping[str, View] = {}


ALWAYS = (
    Actor(scheduling.steps),
    Actor(people.steps),
    Actor(lost.steps),
    Actor(wrapper.steps, {"jobs": views.asked_to_end, "nodes": views.silence}),
    Actor(agent.steps, {"hands": views.minded, "nodes": views.agents}),
    Actor(nodes.steps, {"hands": views.startable, "jobs": views.places}),
)
NOW_AND_THEN = (
    ("", Actor(dispatching.steps)),
    ("messages", Actor(worker.take)),
    ("hands", Actor(worker.go_on, {"nodes": views.workers})),
    ("faults", Actor(faults.of_services)),
    ("faults", Actor(faults.of_machines)),
    ("faults", Actor(faults.of_attempts)),
    ("faults", Actor(faults.of_broker)),
    ("faults", Actor(faults.of_messages)),
)
"""With the part without which they do nothing."""


def all_of(setup: Setup, world: World) -> Steps:
    """Each with its label, in which the first character may be a mark (tests.model.explorer)."""
    for actor in (*ALWAYS, *(actor for _, actor in NOW_AND_THEN)):
        yield from actor.steps(setup, world)
