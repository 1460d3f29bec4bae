"""Explore everything: `make model`. Prints each configuration and each mutant as it is done.

With NAMES of configurations or mutants, only these, with the way to what was found. What is in
test-results/model/ of the same model is not explored again. Exits with 1 when a configuration does not hold,
or a mutant that should be caught is not.
"""

import os
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from tests.model import report
from tests.model.explorer import Finding, explore
from tests.model.record import keep, kept
from tests.model.tasks import Task, tasks

WORKERS = int(os.environ.get("MODEL_WORKERS") or 2)
"""Each takes up to some 4 GB for the largest worlds."""


def explored(task: Task) -> tuple[Finding, bool]:
    """What came of it, and whether that had been known before."""
    before = kept(task)
    if before:
        return before, True
    began = time.monotonic()
    finding = explore(task.setup)
    finding.seconds = round(time.monotonic() - began, 1)
    if finding.verdict != "LIMIT":
        keep(task, finding)
    return finding, False


def line(task: Task, finding: Finding) -> str:
    """What there is to say of one."""
    size = f"{finding.worlds:>10,} states {finding.transitions:>11,} transitions {finding.seconds:>6.0f} s"
    if not task.is_mutant:
        return f"{task.name:<4} {size}  {finding.verdict:<4} {task.told}"
    return f"{task.name:<34} {size}  {task.told}: {report.told(task, finding)}"


def main(names: list[str]) -> int:
    """Answer whether anything was not as it should be."""
    names = [name.replace("+", " ") for name in names]  # some mutants are of several clauses
    chosen = [task for task in tasks() if not names or task.name in names]
    unknown = set(names) - {task.name for task in chosen}
    say = partial(print, flush=True)
    if unknown:
        say(f"Unknown: {', '.join(sorted(unknown))}. There are: {', '.join(task.name for task in tasks())}.")
        return 2
    bad = 0
    with ProcessPoolExecutor(max_workers=WORKERS, max_tasks_per_child=1) as pool:
        for task, (finding, known) in zip(chosen, pool.map(explored, chosen), strict=True):
            say(line(task, finding) + (" (known)" if known else ""))
            if finding.trace and (names or not task.is_met_by(finding.verdict)):
                say("    " + " > ".join(finding.trace))
            if not task.is_met_by(finding.verdict):
                bad += 1
                say("    NOT AS EXPECTED")
    report.write()
    say(report.summary(*report.rows()))
    return 1 if bad else 0
