"""What the jobs themselves tell the tests: files that the product never reads."""

from collections import Counter

from jobsite.drill import witness
from jobsite.drill.witness import Gate

__all__ = ["Gate", "Witness"]


class Witness(witness.Witness):
    """A file to which every job appends one line when it starts; and what must be true of it."""

    def saw_starts(self, number: int) -> bool:
        """So many jobs, or more, have started."""
        return len(self.starts) >= number

    def saw_each_start_once(self, *jobs: int) -> bool:
        """These jobs, and no others, have started, each once."""
        assert self.starts == Counter(jobs), self.starts
        return True
