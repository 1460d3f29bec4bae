"""Every two of the eleven at one job, in both orders: one wins, or both where that is right, and never more.

`make races` runs 200 rounds of each order, or ROUNDS of them, and prints who won.
"""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from itertools import cycle, islice
from operator import attrgetter
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection
from pytest_django import DjangoDbBlocker

from tests.outbox import Outbox
from tests.races.acts import ACTS, ANYWHERE, Act
from tests.races.conftest import assert_every_row_invariant
from tests.races.duel import opponent
from tests.races.pairs import ALL, BOTH, IMPOSSIBLE, TWINS, Pair, Scene, Story, late_scenes_of, scenes_of
from tests.races.ring import Ring
from tests.races.tally import Tally

ROUNDS = int(os.environ.get("RACE_ROUNDS") or 1)
FEWER = max(1, ROUNDS // 4)
"""Who is too late either wins or does not, however often it is tried."""
SHOWN = "RACE_ROUNDS" in os.environ
RECORD = Path(__file__).parents[2] / "test-results" / "races.json"
RACED = [*(pair for pair in ALL if pair not in IMPOSSIBLE), *TWINS]
LATE = [pair for pair in ALL if late_scenes_of(pair)]

pytestmark = [pytest.mark.races, pytest.mark.timeout(120 + 10 * ROUNDS)]


@pytest.fixture(scope="module")
def db(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """One database for a few rounds of all pairs: to empty every table costs more than they do."""
    with django_db_blocker.unblock():
        yield
        leave_nothing()
        connection.close()


def leave_nothing() -> None:
    """Look at what the rounds have left, and empty every table."""
    assert_every_row_invariant()
    call_command("flush", verbosity=0, interactive=False)


@pytest.fixture(autouse=True)
def _every_row_invariant_holds_at_the_end(db: None) -> Iterator[None]:
    """After many rounds of a pair at once, after few ones when all pairs have met."""
    yield
    if SHOWN:
        leave_nothing()


@pytest.fixture(scope="module")
def other(db: None) -> Iterator[Executor]:
    with opponent() as somebody:
        yield somebody


@pytest.fixture(scope="module")
def tally(pytestconfig: pytest.Config) -> Iterator[Tally]:
    made = Tally()
    yield made
    capture = pytestconfig.pluginmanager.get_plugin("capturemanager")
    if SHOWN and capture is not None:
        with capture.global_and_fixture_disabled():
            print("", *made.lines(), sep="\n")  # noqa: T201 - what `make races` is for


@pytest.fixture(autouse=True)
def _recorded(tally: Tally) -> Iterator[None]:
    yield
    if SHOWN:
        tally.record(RECORD)


@pytest.fixture
def ring(other: Executor, outbox: Outbox) -> Ring:
    return Ring(other, outbox)


def rounds(scenes: Sequence[Scene], number: int = ROUNDS) -> Iterator[Scene]:
    """Every step in turn."""
    return islice(cycle(scenes), number)


@pytest.mark.parametrize("pair", RACED, ids=" and ".join)
def test_who_comes_to_the_lock_of_another_finds_the_job_where_that_one_left_it(
    pair: Pair, ring: Ring, tally: Tally
) -> None:
    """F69, F70, F72, F73: whoever comes first, one end is recorded, and nothing stays taken."""
    turned = [scene.turned() for scene in reversed(scenes_of(pair))]
    for scene in [*rounds(scenes_of(pair)), *rounds(turned)]:
        tally.add(scene, "at the first one's lock", ring.held(scene))
        if scene.second.passes_by:
            tally.add(scene, "after the first one", ring.after(scene))


@pytest.mark.parametrize("pair", RACED, ids=" and ".join)
def test_of_two_who_begin_at_once_one_wins_or_both_in_an_order_that_is_right(
    pair: Pair, ring: Ring, tally: Tally
) -> None:
    """F69, F70, F72, F73: the same when nobody knows who comes first."""
    for scene in rounds(scenes_of(pair)):
        tally.add(scene, "at once", ring.free(scene))


@pytest.mark.parametrize("pair", LATE, ids=" and ".join)
def test_who_read_the_row_too_early_never_wins(pair: Pair, ring: Ring, tally: Tally) -> None:
    for scene in rounds(late_scenes_of(pair), FEWER):
        late = scene.late.name if scene.late else ""
        tally.add(
            scene, f"{late} too late", ring.after(scene) if scene.second.passes_by else ring.held(scene)
        )


@pytest.mark.parametrize("act", ACTS, ids=attrgetter("name"))
def test_no_step_but_those_that_are_told_of_allows_it(act: Act, ring: Ring) -> None:
    for step in set(ANYWHERE).difference(act.moves):
        assert ring.alone(act, step) == Story(first=False, second=False, end=step)


def test_each_of_the_55_pairs_is_raced_or_said_to_be_impossible() -> None:
    possible = {pair for pair in ALL if scenes_of(pair)}
    assert len(ALL) == 55
    assert possible | set(IMPOSSIBLE) == set(ALL)
    assert possible & set(IMPOSSIBLE) == set()


def test_wherever_both_may_win_it_is_said_why() -> None:
    scenes = [scene for pair in [*ALL, *TWINS] for scene in scenes_of(pair)]
    both = {
        scene.names
        for one in scenes
        for scene in (one, one.turned())
        if any(told.first and told.second for told in scene.stories())
    }
    assert both == set(BOTH)
