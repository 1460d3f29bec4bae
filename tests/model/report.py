"""The table of what was explored: what `make model` prints at its end, and writes into RESULTS.md."""

from collections.abc import Sequence

from tests.model.explorer import Finding
from tests.model.record import HERE, kept, sources
from tests.model.tasks import Task, tasks

TABLE = HERE / "RESULTS.md"
Row = tuple[Task, Finding]
HEAD = """# Every interleaving of the protocol

Written by `make model`. Each world is explored breadth first through every interleaving of its steps. In each
state and across each step every invariant is checked, and from each state a clean end must be reachable, both
when nothing comes back and when all does. The model's agent decides by the product's own table
(`jobs/execution/verdict.py`).
"""


def rows() -> tuple[list[Row], list[Task]]:
    """What has been explored in the model as it is now, and what has not."""
    found = [(task, kept(task)) for task in tasks()]
    return [(task, one) for task, one in found if one], [task for task, one in found if not one]


def summary(explored: Sequence[Row], missing: Sequence[Task]) -> str:
    """One line."""
    worlds = [finding for task, finding in explored if not task.is_mutant]
    mutants = [(task, finding) for task, finding in explored if task.is_mutant]
    caught = sum(finding.verdict != "OK" for _, finding in mutants)
    bad = sum(not task.is_met_by(finding.verdict) for task, finding in explored)
    return (
        f"{len(worlds)} configurations with {sum(one.worlds for one in worlds):,} states and"
        f" {sum(one.transitions for one in worlds):,} transitions; {len(mutants)} mutants,"
        f" of which {caught} are caught and {len(mutants) - caught} do no harm;"
        f" {bad} not as expected, {len(missing)} not explored"
    )


def write() -> None:
    """The table, from what is kept of each exploration."""
    explored, missing = rows()
    worlds = [row for row in explored if not row[0].is_mutant]
    mutants = [row for row in explored if row[0].is_mutant]
    lines = [HEAD, f"{summary(explored, missing)}. The model's source: `{sources()}`.", ""]
    lines += [
        "| World | What may happen | States | Transitions | Seconds | Verdict |",
        "|---|---|--:|--:|--:|---|",
    ]
    lines += [
        f"| {task.name} | {task.told} | {one.worlds:,} | {one.transitions:,} | {one.seconds:.0f} |"
        f" {one.verdict} |"
        for task, one in worlds
    ]
    lines += ["", "| Mutant | What is wrong | States | What comes of it |", "|---|---|--:|---|"]
    lines += [
        f"| `{task.name}` | {task.told} | {one.worlds:,} | {told(task, one)} |" for task, one in mutants
    ]
    if missing:
        lines += ["", "Not explored: " + ", ".join(f"`{task.name}`" for task in missing) + "."]
    TABLE.write_text("\n".join(lines) + "\n")


def told(task: Task, finding: Finding) -> str:
    """What came of a mutant."""
    if finding.verdict == "OK":
        return f"harmless: {task.harmless}" if task.harmless else "NOT CAUGHT"
    steps = f"caught in {len(finding.trace)} steps: {finding.verdict.removeprefix('VIOLATION ')}"
    return f"NOT HARMLESS, {steps}" if task.harmless else steps
