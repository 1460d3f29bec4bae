"""All there is to explore, and what is expected of each."""

from typing import NamedTuple

from tests.model.configurations import CONFIGURATIONS
from tests.model.mutants import MUTANTS
from tests.model.setup import Setup


class Task(NamedTuple):
    """One exploration, and what is expected of it."""

    name: str
    told: str
    setup: Setup
    harmless: str = ""
    is_mutant: bool = False

    def is_met_by(self, verdict: str) -> bool:
        """A configuration holds; a mutant is caught, unless it is known to do no harm."""
        return (verdict == "OK") != (self.is_mutant and not self.harmless)


def tasks() -> list[Task]:
    """Configurations, then mutants."""
    configurations = [Task(name, *told) for name, told in CONFIGURATIONS.items()]
    return configurations + [
        Task(one.broken, one.wrong, one.setup.broken_by(one.broken), one.harmless, is_mutant=True)
        for one in MUTANTS
    ]
