"""What came of the rounds of each pair, as the table that `make races` prints."""

import json
from collections import Counter, defaultdict
from pathlib import Path

from tests.races.acts import NAMES
from tests.races.pairs import Scene, Story

Row = tuple[str, str, str]
LINE = "{:<14}{:<14}{:<24}{:>7}{:>7}{:>8}{:>6}{:>6}"
HEAD = LINE.format("first", "second", "how they met", "rounds", "first", "second", "both", "none")
WON = ("won_first", "won_second", "won_both", "won_none")
OUTCOMES = ((True, False), (False, True), (True, True), (False, False))


class Tally:
    """Who won, by pair and by how they met."""

    def __init__(self) -> None:
        self._told: dict[Row, Counter[tuple[bool, bool]]] = defaultdict(Counter)

    def add(self, scene: Scene, how: str, told: Story) -> None:
        """One round."""
        self._told[(*scene.names, how)][told.first, told.second] += 1

    def lines(self) -> list[str]:
        """The table."""
        return [HEAD, *(self._line(row) for row in sorted(self._told, key=_place))]

    def record(self, path: Path) -> None:
        """Write down what has come of the rounds so far: a run that is broken off has told something, too."""
        rows = [
            {"first": row[0], "second": row[1], "met": row[2], "rounds": told.total()}
            | {name: told[outcome] for name, outcome in zip(WON, OUTCOMES, strict=True)}
            for row, told in sorted(self._told.items(), key=lambda item: _place(item[0]))
        ]
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(rows, indent=1) + "\n")

    def _line(self, row: Row) -> str:
        told = self._told[row]
        return LINE.format(*row, told.total(), *(told[outcome] for outcome in OUTCOMES))


def _place(row: Row) -> tuple[list[int], str, str]:
    """The two orders of a pair stand together."""
    return sorted(NAMES.index(name) for name in row[:2]), row[2], row[0]
