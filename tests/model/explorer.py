"""Breadth first through every interleaving. Safety in every world and across every step; liveness at the end.

Liveness is this: from every world that can be reached, a clean end can be reached, without another fault
and without any step of a person. In a finite graph that is liveness under strong fairness. It is asked twice.
Once nothing comes back: no repair, no restart, but nodes may be given up by policy. Once everything comes
back, and nobody gives a node up. While a job is STOPPING the end of its process by itself does not count: the
cancel must do it.

The first character of a label says of what kind a step is: `!` a fault, `~` a person or an optional policy,
`^` something comes back, `%` T19 or T20 by policy, `*` an end by itself that does not count.
"""

from array import array
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.model.packing import mask_of
from tests.model.protocol import FORSAKEN, REPAIRED, Protocol
from tests.model.setup import Setup
from tests.model.state import UNTOLD, Attempt, Dispatches, Job, Leaders, Node, World

MARKS = "!~^%*"
COUNTS_IN = {"!": 0, "~": 0, "*": 0, "^": REPAIRED, "%": FORSAKEN}
MOST_WORLDS = 12_000_000
ROWS = mask_of(["jobs"])


@dataclass
class Finding:
    """What an exploration has come to."""

    verdict: str = "OK"
    worlds: int = 0
    transitions: int = 0
    trace: list[str] = field(default_factory=list)
    stuck: int = 0
    """From so many worlds there is no way to a clean end."""
    seconds: float = 0.0
    taken: set[str] = field(default_factory=set)
    """The kinds of step that were taken, as `T7 start`."""
    moves: set[str] = field(default_factory=set)
    """Those of them that changed a job's row."""


def start_of(setup: Setup) -> World:
    """Every job has been submitted (T1), every node is up."""
    return World(
        jobs=(Job(told=UNTOLD),) * setup.jobs,
        attempts=((Attempt(),) * setup.attempts,) * setup.jobs,
        messages=(),
        hands=((),) * setup.nodes,
        nodes=(Node(),) * setup.nodes,
        faults=setup.faults,
        leaders=Leaders(0, 1, 1, ((1, ()), (0, ()))) if setup.schedulers else (),
        dispatches=Dispatches((0,) * setup.jobs, ((), ())) if setup.sequences else (),
    )


def kind_of(label: str) -> str:
    """The step without its mark and without who and where: `%T19 give_up(0.1)` is `T19 give_up`."""
    return label.lstrip(MARKS).partition("(")[0]


def explore(setup: Setup, most: int = MOST_WORLDS) -> Finding:
    """Everything that can happen in this setup, until the first thing that must not."""
    exploration = _Exploration(setup)
    finding = exploration.search(most)
    if finding.verdict == "OK":
        exploration.find_dead_steps(finding)
    if finding.verdict == "OK":
        exploration.find_stuck_worlds(finding)
    return finding


class _Exploration:
    """The worlds by number, how each was first reached, and the steps between them."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._protocol = Protocol(setup)
        first = self._protocol.parts.pack(start_of(setup))
        self._numbers = {first: 0}
        self._worlds = deque([first])
        self._parents = array("i", [-1])
        self._labels = [""]
        self._taken: set[str] = set()
        self._moves: set[str] = set()
        self._steps = (array("i"), array("i"), bytearray())
        """From, to, and in which of the two ways it counts."""
        self._clean = {FORSAKEN: bytearray(), REPAIRED: bytearray()}
        self._transitions = 0

    def search(self, most: int) -> Finding:
        """Visit every world once."""
        number, protocol = 0, self._protocol
        while self._worlds:
            world = self._worlds.popleft()
            judged = protocol.judged(world)
            if judged.broken:
                return self._finding(f"VIOLATION {judged.broken}", number)
            for way, clean in self._clean.items():
                clean.append(judged.clean[way])
            if not protocol.is_over(world):
                broken, label = self._go_on(world, number)
                if broken:
                    return self._finding(f"VIOLATION {broken}", number, label)
            number += 1
            if number > most:
                return self._finding("LIMIT", 0)
        self._numbers.clear()
        return self._finding("OK", 0)

    def _go_on(self, world: int, number: int) -> tuple[str, str]:
        """Take every step. Answers what the first bad one breaks, and its label."""
        numbers, protocol = self._numbers, self._protocol
        origins, targets, ways = self._steps
        taken, moves = self._taken.add, self._moves.add
        for label, keep, bits in protocol.steps(world):
            after = world & keep | bits
            if after == world:
                continue
            self._transitions += 1
            taken(label)
            if (world ^ after) & ROWS:
                moves(label)
            broken = protocol.broken_by(world, label, after)
            if broken:
                return broken, label
            after = protocol.reduced(after)
            target = numbers.setdefault(after, len(self._labels))
            if target == len(self._labels):
                self._worlds.append(after)
                self._parents.append(number)
                self._labels.append(label)
            way = COUNTS_IN.get(label[0], FORSAKEN | REPAIRED)
            if way:
                origins.append(number)
                targets.append(target)
                ways.append(way)
        return "", ""

    def _finding(self, verdict: str, number: int, *last: str) -> Finding:
        return Finding(
            verdict,
            len(self._parents),
            self._transitions,
            [*self._way_to(number), *last],
            taken={kind_of(label) for label in self._taken},
            moves={kind_of(label) for label in self._moves},
        )

    def _way_to(self, number: int) -> list[str]:
        way = []
        while self._parents[number] >= 0:
            way.append(self._labels[number])
            number = self._parents[number]
        return way[::-1]

    def find_dead_steps(self, finding: Finding) -> None:
        """A step that was never possible proves nothing."""
        for needed in self._setup.needed:
            if needed not in finding.taken:
                finding.verdict = f"DEAD STEP {needed} can never happen"

    def find_stuck_worlds(self, finding: Finding) -> None:
        """Worlds from which no clean end can be reached."""
        for way, told in ((FORSAKEN, "nothing comes back"), (REPAIRED, "all comes back")):
            saved = self._saved(way)
            if not all(saved):
                finding.verdict = f"STUCK ({told})"
                finding.trace = self._way_to(saved.index(0))
                finding.stuck = saved.count(0)
                return

    def _saved(self, way: int) -> bytearray:
        """Of each world whether a clean end can be reached from it: backwards from the clean ones."""
        saved = bytearray(self._clean[way])
        into = self._backwards(way)
        queue = deque(number for number, clean in enumerate(saved) if clean)
        while queue:
            for origin in into(queue.popleft()):
                if not saved[origin]:
                    saved[origin] = 1
                    queue.append(origin)
        return saved

    def _backwards(self, way: int) -> "Callable[[int], array[int]]":
        """From where a world is reached in one step that counts, in two flat arrays."""
        origins, targets, ways = self._steps
        first = array("i", bytes(4 * (len(self._parents) + 2)))
        for target, counts in zip(targets, ways, strict=True):
            if counts & way:
                first[target + 2] += 1
        for number in range(len(self._parents)):
            first[number + 2] += first[number + 1]
        sources = array("i", bytes(4 * max(1, first[-1])))
        for origin, target, counts in zip(origins, targets, ways, strict=True):
            if counts & way:
                sources[first[target + 1]] = origin
                first[target + 1] += 1
        return lambda number: sources[first[number] : first[number + 1]]
