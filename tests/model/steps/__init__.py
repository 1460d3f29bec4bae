"""What can happen next, by who does it. `all_of` is every step that is possible in a world."""

from tests.model.setup import Setup
from tests.model.state import Steps, World
from tests.model.steps import agent, dispatching, faults, lost, nodes, people, scheduling, worker, wrapper

ACTORS = (scheduling, dispatching, people, lost, worker, wrapper, agent, nodes, faults)


def all_of(setup: Setup, world: World) -> Steps:
    """Each with its label, in which the first character may be a mark (tests.model.explorer)."""
    for actor in ACTORS:
        yield from actor.steps(setup, world)
