"""The scorecard is good only when everything was killed, came back, was counted and is zero."""

import io
import json
from dataclasses import replace
from pathlib import Path

import pytest

from jobsite.drill.card import Card, Count, Kill
from jobsite.drill.show import Show

WORKER = Kill(
    name="worker", title="worker", jobs=18, seen_by="its agent renews", back=3.21, ends=5.0, rest=True
)
WRAPPER = replace(WORKER, name="wrapper", title="wrappers", seen_by="", back=None)
CLEAN = Count(name="false ends", means="ends that are recorded other than they were")
FOUND = replace(CLEAN, found=tuple(f"job {number}" for number in range(8)))


def card(*kills: Kill, counts: tuple[Count, ...] = (CLEAN,), faults: tuple[str, ...] = ()) -> Card:
    return Card(patience=60, kills=list(kills), counts=list(counts), faults=list(faults), jobs=36, seconds=70)


def test_it_is_good_when_all_recovered_and_all_is_zero() -> None:
    good = card(WORKER, WRAPPER)
    assert good.is_good
    assert good.failures == []


@pytest.mark.parametrize(
    ("bad", "failure"),
    [
        (card(replace(WORKER, back=None)), "worker: not back within 60 s (its agent renews)"),
        (card(replace(WRAPPER, ends=None)), "wrappers: some of its 18 jobs came to no end in 60 s"),
        (card(replace(WORKER, rest=False)), "worker: some of its 18 jobs came to no end in 60 s"),
        (card(WORKER, counts=(FOUND,)), "false ends: job 0"),
        (card(WORKER, faults=("The sandbox's beat was not there.",)), "The sandbox's beat was not there."),
    ],
)
def test_one_failure_makes_it_bad_and_is_told(bad: Card, failure: str) -> None:
    assert not bad.is_good
    assert failure in bad.failures
    assert failure in printed(bad)
    assert json.loads(bad.json())["ok"] is False


def test_what_was_not_killed_or_not_counted_shows_nothing() -> None:
    assert not card().is_good
    assert not card(WORKER, counts=()).is_good


def test_of_many_failures_a_few_are_named_and_the_others_counted() -> None:
    assert card(WORKER, counts=(FOUND,)).failures[-2:] == ["false ends: job 4", "false ends: and 3 more"]
    assert "false ends         8" in printed(card(WORKER, counts=(FOUND,)))


def test_programs_get_it_as_an_object() -> None:
    kept = card(WORKER, WRAPPER)
    kept.kept = Path("/tmp/d")
    told = json.loads(kept.json())
    assert told["kills"][0] == {
        "killed": "worker",
        "jobs": 18,
        "back_seconds": 3.21,
        "ends_seconds": 5.0,
        "recovered": True,
    }
    assert (told["ok"], told["zeros"], told["failures"], told["kept"]) == (
        True,
        {"false_ends": 0},
        [],
        "/tmp/d",
    )


def test_the_lines_of_the_card_stand_under_each_other() -> None:
    *_, titles, worker, wrapper = shown_kills().splitlines()
    assert len(titles) == len(worker) == len(wrapper) <= 80
    assert worker.split() == ["✔", "worker", "3.2", "s", "5.0", "s", "18"]
    assert wrapper.split() == ["✔", "wrappers", "-", "5.0", "s", "18"]


def test_a_terminal_of_80_columns_is_wide_enough() -> None:
    stream = io.StringIO()
    show = Show(stream, {})
    told = card(WORKER, WRAPPER)
    show.head(Path("/var/tmp/jobsite-drill-12345678"), 100, keep=False)
    show.times("the platform's own: heartbeat 5 s, leader 6 s, sweep 10 s, Beat 30 s")
    show.settling(told)
    show.counts(told)
    show.foot(told)
    assert "how its job ended is told as unknown" in stream.getvalue()
    assert max(map(len, stream.getvalue().splitlines())) <= 80


def shown_kills() -> str:
    stream = io.StringIO()
    show = Show(stream, {})
    show.ready(6.0)
    for kill in (WORKER, WRAPPER):
        show.striking(kill.title)
        show.kill(kill)
    return stream.getvalue()


def printed(told: Card) -> str:
    stream = io.StringIO()
    show = Show(stream, {})
    show.counts(told)
    show.foot(told)
    return stream.getvalue()
