"""The mutants do not rot: each still applies, and the tests that must see it are still there."""

import ast
from collections import Counter
from pathlib import Path

import pytest

from tests.mutants.mutant import Mutant, SourceMovedError, read
from tests.mutants.reach import OUT_OF_REACH, names_of_invariants
from tests.mutants.warm import exchange
from tests.session import ROOT

MUTANTS = read()


def named_in(file: str) -> set[str]:
    tree = ast.parse((ROOT / file).read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_every_mutant_still_applies_once_and_can_be_loaded() -> None:
    for mutant in MUTANTS:
        ast.parse(mutant.apply((ROOT / mutant.file).read_text()), mutant.name)


def test_every_mutant_has_a_name_of_its_own_a_promise_and_tests_that_are_there() -> None:
    named = [(mutant.name, *killer.split("::")) for mutant in MUTANTS for killer in mutant.killers]
    there = {file: named_in(file) for file in {file for _, file, *_ in named}}
    missing = [(name, file, *test) for name, file, *test in named if not there[file].issuperset(test)]
    assert missing == []
    assert [mutant.name for mutant in MUTANTS if not (mutant.promise and mutant.killers)] == []
    assert [name for name, number in Counter(one.name for one in MUTANTS).items() if number > 1] == []


def test_there_are_at_least_forty() -> None:
    assert len(MUTANTS) >= 40


def test_every_invariant_is_one_that_a_mutant_must_break_or_it_is_said_why_none_can() -> None:
    broken = {name for mutant in MUTANTS for name in mutant.invariants}
    assert broken.isdisjoint(OUT_OF_REACH)
    assert broken | set(OUT_OF_REACH) == set(names_of_invariants())


@pytest.mark.parametrize("text", ["", "a = 1\n", "x = 1\nx = 1\n"])
def test_a_mutant_whose_source_is_not_there_once_says_so(text: str) -> None:
    mutant = Mutant("some", "", "some.py", "x = 1", "x = 2", (), (), "some.txt")
    with pytest.raises(SourceMovedError, match=r"mutant some: its piece of some\.py is there [02] times"):
        mutant.apply(text)
    assert mutant.apply("x = 1\n") == "x = 2\n"


BEFORE = "LIMIT = 1\n\n\ndef answer(step=2):\n    return [step for _ in '1'] + [LIMIT]\n"


@pytest.mark.parametrize(
    ("change", "answers"),
    [
        (("[LIMIT]", "[LIMIT + 1]"), [2, 2]),
        (("for _ in '1'", "for _ in '11'"), [2, 2, 1]),
        (("LIMIT = 1", "LIMIT = 3"), None),
        (("step=2", "step=3"), None),
        (("def answer", "def other"), None),
    ],
)
def test_a_function_is_exchanged_in_memory_and_what_is_no_part_of_one_is_not(
    tmp_path: Path, change: tuple[str, str], answers: list[int] | None
) -> None:
    path = tmp_path / "product.py"
    product: dict[str, object] = {}
    exec(compile(BEFORE, str(path), "exec"), product)  # noqa: S102 - it is three lines above
    answer = product["answer"]
    assert exchange(path, BEFORE, BEFORE.replace(*change)) == (answers is not None)
    assert callable(answer)
    assert answer() == (answers or [2, 1])
