"""What came of the rounds of each pair, as the table that `make races` prints."""

from collections import Counter, defaultdict

from tests.races.acts import NAMES
from tests.races.pairs import Scene, Story

Row = tuple[str, str, str]
LINE = "{:<14}{:<14}{:<24}{:>7}{:>7}{:>8}{:>6}{:>6}"
HEAD = LINE.format("first", "second", "how they met", "rounds", "first", "second", "both", "none")
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

    def _line(self, row: Row) -> str:
        told = self._told[row]
        return LINE.format(*row, told.total(), *(told[outcome] for outcome in OUTCOMES))


def _place(row: Row) -> tuple[list[int], str, str]:
    """The two orders of a pair stand together."""
    return sorted(NAMES.index(name) for name in row[:2]), row[2], row[0]
