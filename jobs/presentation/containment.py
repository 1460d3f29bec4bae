"""How each limit holds for a job or on a node, in the order in which a person asks."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_TITLES: Final = {
    "processes": "Processes",
    "memory": "Memory",
    "cpu": "CPUs",
    "gpu": "GPUs",
    "time": "Time",
    "separation": "Other jobs",
}


@dataclass(frozen=True)
class ShownHold:
    """One limit."""

    title: str
    level: str
    means: str
    sentence: str

    def __str__(self) -> str:
        means = "" if self.means == "none" else f" ({self.means})"
        return f"{self.title}: {self.level}{means}. {self.sentence}"


def shown(table: object) -> list[ShownHold]:
    """The limits that a node has told of; none before it has told anything."""
    return list(_shown(table)) if isinstance(table, dict) else []


def _shown(table: dict[str, object]) -> Iterator[ShownHold]:
    for limit, title in _TITLES.items():
        told = table.get(limit)
        if isinstance(told, dict):
            level, means, sentence = (str(told.get(key, "")) for key in ("level", "means", "sentence"))
            yield ShownHold(title, level, means, sentence)
