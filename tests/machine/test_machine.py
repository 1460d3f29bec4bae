"""Stories of at most so many steps, as many as the profile says: MACHINE=quick, ci or full."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import invariant, run_state_machine_as_test
from pytest_django import Settings

from tests.machine import clock as clocks
from tests.machine import oracle, product
from tests.machine.broker import Broker
from tests.machine.liveness import require_an_end
from tests.machine.tally import Tally
from tests.machine.troubles import Troubles
from tests.machine.world import World

PROFILES = {"quick": (12, 25, 600), "ci": (300, 60, 1800), "full": (20_000, 150, 0)}
"""Stories, steps of each, and the seconds that all may take on a machine that does other things too."""
PROFILE = os.environ.get("MACHINE", "quick")
EXAMPLES, STEPS, PATIENCE = PROFILES[PROFILE]


class Machine(Troubles):
    """With what must hold at every instant, and at the end."""

    tally: ClassVar[Tally]

    @invariant()
    def promise(self) -> None:
        """I1 to I14, as far as rows and processes tell."""
        self.steps += 1
        self.oracle.look()

    def teardown(self) -> None:
        """L1 to L5, unless the story broke off."""
        try:
            if sys.exc_info()[1] is None:
                require_an_end(self)
                self.tally.add(self.steps)
        finally:
            self.world.end()


@pytest.fixture
def world(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch, settings: Settings, tmp_path: Path
) -> Iterator[World]:
    with clocks.installed() as clock:
        broker = Broker()
        wrappers = product.make_up(monkeypatch, settings, clock, broker)
        oracle.prepare()
        world = World(tmp_path / "spools", clock, broker, wrappers)
        with product.only_complaints(world.complaints):
            yield world
        world.close()


@pytest.mark.proof
@pytest.mark.timeout(PATIENCE)
def test_no_story_breaks_the_promise(world: World) -> None:
    Machine.world, Machine.tally = world, Tally()
    run_state_machine_as_test(Machine, settings=profile())
    told = f"{PROFILE}: {Machine.tally}"
    print(told)  # noqa: T201 - what `make machine` shows
    assert PROFILE != "full" or not Machine.tally.missing(), told


def profile() -> settings:
    """Told the same every time, but for the full one, which tells new stories."""
    return settings(
        max_examples=EXAMPLES,
        stateful_step_count=STEPS,
        derandomize=PROFILE != "full",
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )
