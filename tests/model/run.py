"""Explore everything: `make model`. Prints each configuration and each mutant as it is done.

With NAMES of configurations or mutants, only these, with the way to what was found. Exits with 1 when a
configuration does not hold, or a mutant that should be caught is not.
"""

import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import NamedTuple

from tests.model.configurations import CONFIGURATIONS
from tests.model.explorer import Finding, explore
from tests.model.mutants import MUTANTS
from tests.model.setup import Setup


class Task(NamedTuple):
    """One exploration, and what is expected of it."""

    name: str
    told: str
    setup: Setup
    harmless: str = ""
    is_mutant: bool = False

    def is_met_by(self, finding: Finding) -> bool:
        """A configuration holds; a mutant is caught, unless it is known to do no harm."""
        return (finding.verdict == "OK") != (self.is_mutant and not self.harmless)


def tasks() -> list[Task]:
    """All there is to explore."""
    configurations = [Task(name, *told) for name, told in CONFIGURATIONS.items()]
    return configurations + [
        Task(one.broken, one.wrong, one.setup.broken_by(one.broken), one.harmless, is_mutant=True)
        for one in MUTANTS
    ]


def explored(task: Task) -> tuple[Finding, float]:
    """With the seconds that it took."""
    began = time.monotonic()
    finding = explore(task.setup)
    return finding, time.monotonic() - began


def line(task: Task, finding: Finding, seconds: float) -> str:
    """What there is to say of one."""
    size = f"{finding.worlds:>9,} states {finding.transitions:>11,} transitions {seconds:>5.0f} s"
    if not task.is_mutant:
        return f"{task.name:<4} {size}  {finding.verdict:<4} {task.told}"
    found = f"caught: {finding.verdict}" if finding.verdict != "OK" else f"harmless: {task.harmless}"
    return f"{task.name:<34} {size}  {task.told}: {found}"


def main(names: list[str]) -> int:
    """Answer whether anything was not as it should be."""
    chosen = [task for task in tasks() if not names or task.name in names]
    say = partial(print, flush=True)
    bad, seen = 0, [0, 0]
    with ProcessPoolExecutor(max_workers=2, max_tasks_per_child=1) as pool:
        for task, (finding, seconds) in zip(chosen, pool.map(explored, chosen), strict=True):
            say(line(task, finding, seconds))
            if finding.trace and (names or not task.is_met_by(finding)):
                say("    " + " > ".join(finding.trace))
            if not task.is_met_by(finding):
                bad += 1
                say("    NOT AS EXPECTED")
            if not task.is_mutant:
                seen = [seen[0] + finding.worlds, seen[1] + finding.transitions]
    mutants = [task for task in chosen if task.is_mutant]
    harmless = sum(1 for task in mutants if task.harmless)
    say(
        f"{len(chosen) - len(mutants)} configurations with {seen[0]:,} states and {seen[1]:,} transitions;"
        f" {len(mutants)} mutants, of which {harmless} do no harm; {bad} not as expected"
    )
    return 1 if bad else 0
