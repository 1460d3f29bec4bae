"""The page of promises is as its sources are, and only a round that came to its end has a result."""

import json
from pathlib import Path

import pytest

from tests.reliability.figures import KEPT, Figures, fetch
from tests.reliability.page import NOT_YET, PAGE, page, sentence
from tests.reliability.rounds import ROUNDS, named
from tests.session import ROOT

TOLD = Figures("make races ROUNDS=9", "abc", "2026-01-02T03:04:05+00:00", "1 CPU", ["7 passed"])


def test_the_page_is_as_its_sources_are() -> None:
    assert PAGE.read_text() == page(), "run `make reliability`"


def test_every_kept_result_is_of_a_round_and_can_be_read() -> None:
    kept = {file.stem for file in KEPT.glob("*")}
    assert kept <= {one.name for one in ROUNDS}
    assert all(Figures.read(name) for name in kept)


def test_a_result_is_kept_only_with_a_command_that_makes_it_again() -> None:
    rules = (ROOT / "Makefile").read_text()
    makers = [one.command.split() for one in ROUNDS if Figures.read(one.name)]
    assert [words for words in makers if words[0] == "make" and f"\n{words[1]}:" not in rules] == []


def test_a_round_that_was_never_played_is_not_measured_yet(tmp_path: Path) -> None:
    assert page(tmp_path).count(NOT_YET) == len(ROUNDS)
    TOLD.keep("races", tmp_path)
    assert page(tmp_path).count(NOT_YET) == len(ROUNDS) - 1
    assert "7 passed\n```\n\n2026-01-02 by `make races ROUNDS=9` of abc; 1 CPU." in page(tmp_path)


def test_a_round_that_did_not_come_to_its_end_has_no_result() -> None:
    with pytest.raises(SystemExit, match=r"no line matches .* Has it come to its end\?"):
        Figures.now(named("races"), "collecting ...\nInterrupted")
    assert Figures.now(named("races"), "....\n7 passed in 3 s\n").lines == ["7 passed in 3 s"]


def test_a_round_of_an_unknown_name_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(SystemExit, match=r"no round 'luck'\. There are: .*chaos"):
        named("luck")


def test_what_a_command_left_is_kept_and_a_small_round_is_no_full_one(tmp_path: Path) -> None:
    fresh, kept = tmp_path / "fresh", tmp_path / "kept"
    fresh.mkdir()
    (fresh / "chaos-table.json").write_text("[1, 2]")
    assert fetch("chaos", fresh, kept) is None
    for jobs in (40, 10000):
        line = f"seed=1 commit=abc jobs={jobs} acked={jobs}"
        (fresh / f"chaos-{jobs}.json").write_text(json.dumps({"line": line}))
    assert fetch("chaos", fresh, kept) == Figures.read("chaos", kept)
    told = Figures.read("chaos", kept)
    assert told
    assert told.lines == ["seed=1 commit=abc jobs=10000 acked=10000"]


def test_a_tests_name_is_told_as_the_sentence_that_it_is() -> None:
    told = sentence("acceptance/test_kill.py::test_f38_f53_kill_9_of_all_disturbs_no_job")
    assert told == "[kill 9 of all disturbs no job](../tests/acceptance/test_kill.py)"
