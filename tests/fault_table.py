"""`make faults`: which tests show that the platform survives which fault, as a table to read.

A test claims a fault by its name, `test_f38_…`, or by the first words of its docstring, `F38, F53: …`.
"""

import ast
import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.faults import FAULTS, IMPOSSIBLE, PENDING

TESTS = Path(__file__).resolve().parent
TABLE = TESTS / "FAULTS.md"
IN_NAME = re.compile(r"test((?:_f\d{2})+)_")
IN_DOCSTRING = re.compile(r"((?:F\d{2}, )*F\d{2}): ")
HEAD = """# What may go wrong, and the tests that show what happens then

Written by `make faults` from `faults.py` and the tests; do not edit it.

| | Fault | Shown by |
|---|---|---|
"""


def claimed_by(function: ast.FunctionDef | ast.AsyncFunctionDef) -> set[int]:
    """The faults that a test says it shows."""
    named = IN_NAME.match(function.name)
    said = IN_DOCSTRING.match(ast.get_docstring(function) or "")
    words = (named[1] if named else "") + (said[1] if said else "")
    return {int(number) for number in re.findall(r"\d{2}", words)}


def tests_in(source: str) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every test of a module, found without importing it."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            yield node


def claims(root: Path = TESTS) -> dict[int, list[str]]:
    """For each fault the tests that claim it, as pytest names them."""
    found = defaultdict(list)
    for file in sorted(root.rglob("test_*.py")):
        for function in tests_in(file.read_text()):
            for number in claimed_by(function):
                found[number].append(f"{file.relative_to(root)}::{function.name}")
    return found


def table(found: Mapping[int, list[str]]) -> str:
    """The whole file."""
    return HEAD + "".join(_row(number, found.get(number, [])) for number in FAULTS)


def _row(number: int, tests: list[str]) -> str:
    cells = [f"`{test}`" for test in tests]
    if reason := IMPOSSIBLE.get(number):
        cells.append(f"Not here: {reason}.")
    if missing := PENDING.get(number):
        cells.append(f"Not yet: {missing}.")
    return f"| F{number} | {FAULTS[number]} | {'<br>'.join(cells)} |\n"


if __name__ == "__main__":
    TABLE.write_text(table(claims()))
    sys.stdout.write(f"{TABLE}: {len(FAULTS)} faults, {len(PENDING)} not wholly shown yet\n")
