"""A packed exploration sees what one of whole worlds sees, and a memo what the function itself would say."""

import pytest

from tests.model.explorer import explore, start_of
from tests.model.packing import UNSEEN, Memo, Parts, UnreadError
from tests.model.properties import is_over
from tests.model.reduction import reduced
from tests.model.setup import EVERY_FAULT, Setup
from tests.model.state import PLACED, Node, World, with_job, with_node
from tests.model.steps import all_of

SMALL = {
    "every fault": Setup.of(faults=1, kinds=EVERY_FAULT, people="", attempts=1),
    "more faults": Setup.of(faults=1, kinds="stop forge pause", attempts=1),
    "people": Setup.of(faults=0, people="cancel expire hold drain down", attempts=1),
    "requeue": Setup.of(faults=1, kinds="partition", people="", requeue=True),
    "two jobs": Setup.of(jobs=2, faults=1, kinds="wrapper", people="", attempts=1),
    "two nodes": Setup.of(nodes=2, faults=1, kinds="deaf", people="", attempts=1),
    "two schedulers": Setup.of(faults=1, kinds="leader", schedulers=True, people="", attempts=1),
    "two recoverers": Setup.of(faults=0, sequences=True, people="", attempts=1),
}


def visited(setup: Setup) -> tuple[int, int]:
    """How many worlds and transitions there are, with nothing packed and nothing remembered."""
    seen = {start_of(setup)}
    waiting, transitions = list(seen), 0
    while waiting:
        world = waiting.pop()
        quiet = not world.messages and not any(world.hands)
        for _, after in () if quiet and is_over(world) else all_of(setup, world):
            transitions += after != world
            after = reduced(setup, after)
            if after not in seen:
                seen.add(after)
                waiting.append(after)
    return len(seen), transitions


@pytest.mark.parametrize("setup", SMALL.values(), ids=SMALL)
def test_packed_worlds_are_as_many_as_whole_ones(setup: Setup) -> None:
    finding = explore(setup)
    assert finding.verdict == "OK"
    assert (finding.worlds, finding.transitions) == visited(setup)


def test_a_memo_answers_as_the_function_though_it_looks_at_more_in_some_worlds_than_in_others() -> None:
    parts, asked = Parts(), []

    def service(world: World) -> str:
        asked.append(world)
        return world.nodes[0].service if world.jobs[0].step == PLACED else "nobody asks"

    memo = Memo(parts, service)
    queued = start_of(Setup())
    placed = with_job(queued, 0, step=PLACED)
    worlds = [queued, with_node(queued, 0, service="DOWN"), placed, with_node(placed, 0, service="DOWN")]
    told = [memo(parts.pack(world)) for world in worlds * 2]
    assert told == ["nobody asks", "nobody asks", "UP", "DOWN"] * 2
    assert memo.reads == {"jobs", "nodes"}
    assert len(asked) < 2 * len(told)


def test_an_actor_cannot_use_what_its_view_leaves_out() -> None:
    parts = Parts()
    memo = Memo(parts, lambda world: bool(world.nodes[0].lease), {"nodes": lambda _: (Node(lease=UNSEEN),)})
    with pytest.raises(UnreadError):
        memo(parts.pack(start_of(Setup())))


def test_an_actor_cannot_change_what_it_has_not_seen_whole() -> None:
    before = start_of(Setup())
    with pytest.raises(ValueError, match="only a view"):
        Parts().change(before, with_node(before, 0, lease=0), {"nodes"})
