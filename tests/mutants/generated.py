"""Make the mutants that nobody wrote, try some of them, and write down each that nobody notices.

`make mutants-generated` tries SAMPLE of them, chosen by SEED, and writes `GENERATED.md`. Why a survivor does
no harm is told in `survivors.md`; one of which that is not told fails the run.
"""

import argparse
import random
import sys
from collections import Counter
from collections.abc import Sequence
from typing import Final, NamedTuple

from tests.mutants.crew import Crew, say
from tests.mutants.generator import Place, places
from tests.mutants.mutant import HERE
from tests.mutants.workshop import Verdict, workshop
from tests.session import ROOT

REPORT: Final = HERE / "GENERATED.md"
REASONS: Final = HERE / "survivors.md"
LEFT_OUT: Final = {"migrations", "admin.py", "apps.py", "operators.py", "models.py"}
"""What has no protocol in it."""

LIFECYCLE: Final = (
    *("tests/jobs/test_lifecycle.py", "tests/races/test_jobs.py", "tests/races/test_rows.py"),
    *(
        "tests/recovery/test_lost_nodes.py",
        "tests/recovery/test_pending.py",
        "tests/recovery/test_promise.py",
    ),
    *("tests/recovery/test_stale_allocation.py", "tests/scheduler/test_cycle.py"),
)
INVARIANTS: Final = (
    *("tests/recovery/test_row_invariants.py", "tests/recovery/test_node_invariants.py"),
    *("tests/recovery/test_capacity.py", "tests/recovery/test_invariants.py"),
)
CHAIN: Final = (
    "tests/recovery/test_manager.py",
    "tests/recovery/test_ledger.py",
    "tests/recovery/test_signals.py",
)
TRIED: Final[dict[str, tuple[str, ...]]] = {
    "jobs/lifecycle": LIFECYCLE,
    "recovery/broker.py": ("tests/recovery/test_broker.py", "tests/recovery/test_pending.py"),
    "recovery/lost_nodes.py": ("tests/recovery/test_lost_nodes.py", "tests/races/test_jobs.py"),
    "recovery/invariants": INVARIANTS,
    "recovery/strategies/orphan.py": (
        "tests/recovery/test_orphan.py",
        "tests/recovery/test_lost_nodes.py",
        *CHAIN,
    ),
    "recovery/strategies/pending.py": ("tests/recovery/test_pending.py", *CHAIN),
    "recovery/strategies/timeout.py": ("tests/recovery/test_timeout.py", *CHAIN),
    "recovery/strategies/stale_allocation.py": ("tests/recovery/test_stale_allocation.py", *CHAIN),
    "recovery/strategies/base.py": (
        *CHAIN,
        "tests/recovery/test_pending.py",
        "tests/recovery/test_orphan.py",
    ),
    "recovery": (*CHAIN, "tests/recovery/test_node_invariants.py"),
}
"""By file, or by directory, the quick tests near it, the quickest first."""


class Made(NamedTuple):
    """One of them."""

    file: str
    place: Place

    @property
    def key(self) -> str:
        """Names it in the report and among the reasons."""
        return f"{self.file}: {self.place.key}"

    @property
    def killers(self) -> tuple[str, ...]:
        """The tests that it is tried on."""
        return next(tests for start, tests in TRIED.items() if self.file.startswith(start))


def every() -> list[Made]:
    """All there are."""
    files = sorted([*(ROOT / "jobs" / "lifecycle").glob("*.py"), *(ROOT / "recovery").rglob("*.py")])
    return [
        Made(str(path.relative_to(ROOT)), place)
        for path in files
        if LEFT_OUT.isdisjoint(path.parts)
        for place in places(path.read_text())
    ]


def reasons() -> dict[str, str]:
    """Why a survivor does no harm, by its key."""
    told = REASONS.read_text().split("\n* ")[1:] if REASONS.exists() else []
    pairs = [one.partition("\n") for one in told]
    return {key: " ".join(reason.split()) for key, _, reason in pairs}


def main(arguments: Sequence[str]) -> int:
    """Answer whether one survives of which nobody has said why."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants.generated")
    parser.add_argument("--sample", type=int, default=60, help="how many are tried; 0: all")
    parser.add_argument("--seed", type=int, default=random.randrange(10_000), help="which ones")  # noqa: S311
    parser.add_argument("--only", default="", help="of files whose path begins so")
    parser.add_argument(
        "--trust", action="store_true", help="the tests have just passed on the product as it is"
    )
    options = parser.parse_args(arguments)
    there = [made for made in every() if made.file.startswith(options.only)]
    chosen = random.Random(options.seed).sample(there, min(options.sample or len(there), len(there)))  # noqa: S311
    say(f"{len(chosen)} of {len(there)} generated mutants, seed={options.seed}")
    tests = sorted({test for made in chosen for test in made.killers})
    told: list[tuple[Made, Verdict]] = []
    with workshop(tests) as place:
        crew = Crew([place])
        if not (options.trust or crew.has_passed(tests)):
            return 1
        for made in chosen:
            text = (ROOT / made.file).read_text()
            verdict = crew.test((made.file, text, made.place.apply(text)), made.killers)
            told.append((made, verdict))
            seen = verdict.failed[0] if verdict.failed else verdict.trouble[-300:] or "SURVIVES"
            say(f"{made.key[:150]}  {verdict.seconds:.0f} s  {seen[:160]}")
    return write(told, f"seed={options.seed}, {len(chosen)} of {len(there)}, {len(every())} in all")


def write(told: Sequence[tuple[Made, Verdict]], how: str) -> int:
    """Write the report. Answer as `main`."""
    survivors = sorted(made.key for made, verdict in told if not verdict.failed and not verdict.trouble)
    stopped = sorted(made.key for made, verdict in told if not verdict.failed and verdict.trouble)
    why = reasons()
    lines = [
        "# Generated mutants, and those that no test notices",
        "",
        "Written by `make mutants-generated`; do not edit it. Why one survives is told in `survivors.md`.",
        "",
        f"Tried: {how}. Noticed by a test {len(told) - len(survivors) - len(stopped)}, by an end that did not"
        f" come, or by a product that could not be loaded, {len(stopped)}; survived {len(survivors)}.",
        "",
        "| Operator | tried | survived |",
        "|---|---|---|",
    ]
    tried = Counter(made.place.operator for made, _ in told)
    alive = Counter(made.place.operator for made, _ in told if made.key in survivors)
    lines += [f"| {operator} | {number} | {alive[operator]} |" for operator, number in sorted(tried.items())]
    lines += ["", "## Survivors", ""]
    lines += [f"* `{key}`\n  {why.get(key, 'NOT LOOKED AT YET.')}" for key in survivors]
    REPORT.write_text("\n".join(lines) + "\n")
    unsaid = [key for key in survivors if key not in why]
    say(f"{len(told)} tried, {len(survivors)} survive, {len(unsaid)} of them without a reason; see {REPORT}")
    return 1 if unsaid else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
