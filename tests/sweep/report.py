"""What came of a sweep, as a table to read."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.sweep.cases import ACTIONS, Case, skipped
from tests.sweep.points import points


@dataclass
class Report:
    """The cases that were played."""

    passed: dict[Case, float] = field(default_factory=dict)
    """With the seconds from the last fault of its group to the clean end."""
    failed: dict[Case, str] = field(default_factory=dict)
    reached: set[str] = field(default_factory=set)

    def lines(self) -> Iterator[str]:
        """The table, why some cases are none, what failed, and one line that sums it up."""
        yield f"{'':26}" + "".join(f"{action:>12}" for action in ACTIONS)
        for point in points():
            yield f"{point:26}" + "".join(f"{self._cell(Case(point, action)):>12}" for action in ACTIONS)
        yield from self._reasons()
        for case, words in self.failed.items():
            yield f"FAILED {case}: {words}"
        slowest = max(self.passed.values(), default=0.0)
        yield (
            f"sweep: cases={len(self.passed) + len(self.failed)} passed={len(self.passed)}"
            f" failed={len(self.failed)} skipped={len(list(skipped()))}"
            f" points={len(self.reached & set(points()))}/{len(points())} slowest={slowest:.1f}s"
        )

    def _reasons(self) -> Iterator[str]:
        why: dict[tuple[str, str], int] = {}
        for case in skipped():
            key = (case.action, case.skipped)
            why[key] = why.get(key, 0) + 1
        for (action, reason), number in why.items():
            yield f"no {action} at {number} points: {reason}"

    def _cell(self, case: Case) -> str:
        if case in self.passed:
            return f"{self.passed[case]:.1f}s"
        return "FAILED" if case in self.failed else "-" if case.skipped else ""
