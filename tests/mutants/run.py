"""Break the product in each way and see who notices: `make mutants`.

With NAMES only these. Exits with 1 when a mutant survives, when one does not break an invariant that it
should break, or when no mutant breaks an invariant that is not known to be out of reach.
"""

from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from typing import NamedTuple

from tests.mutants.crew import Crew, say
from tests.mutants.mutant import Mutant, SourceMovedError, read
from tests.mutants.reach import OUT_OF_REACH, names_of_invariants
from tests.mutants.workshop import Verdict, workshop
from tests.session import ROOT


class Result(NamedTuple):
    """What the tests said of one mutant."""

    mutant: Mutant
    verdict: Verdict

    @property
    def unbroken(self) -> list[str]:
        """Invariants that it should break, and did not."""
        return [name for name in self.mutant.invariants if name not in self.verdict.violated]

    @property
    def is_killed(self) -> bool:
        """A test saw it, and every invariant that should."""
        return bool(self.verdict.failed) and not self.unbroken and not self.verdict.trouble

    def __str__(self) -> str:
        verdict = self.verdict
        seen = verdict.failed[0] if verdict.failed else verdict.trouble or f"{verdict.passed} tests passed"
        broken = f" [{', '.join(sorted(verdict.violated))}]" if verdict.violated else ""
        unbroken = f" NOT SEEN BY {', '.join(self.unbroken)}" if self.unbroken else ""
        what = "killed by" if self.is_killed else "SURVIVES:"
        return f"{self.mutant.name:<36} {verdict.seconds:>5.1f} s  {what} {seen[:230]}{broken}{unbroken}"


def attempt(crew: Crew, mutant: Mutant) -> Result:
    """Try one."""
    text = (ROOT / mutant.file).read_text()
    try:
        changed = mutant.file, text, mutant.apply(text)
    except SourceMovedError as error:
        return Result(mutant, Verdict([], {}, 0, 0.0, str(error)))
    return Result(mutant, crew.test(changed, mutant.killers, *mutant.invariants))


def main(names: Sequence[str], at_once: int, *, trusted: bool) -> int:
    """Answer whether anything was not as it should be."""
    chosen = [mutant for mutant in read() if not names or mutant.name in names]
    tests = sorted({killer for mutant in chosen for killer in mutant.killers})
    with ExitStack() as stack:
        crew = Crew([stack.enter_context(workshop(tests)) for _ in range(at_once)])
        sound = trusted or crew.has_passed(tests)
        results = []
        with ThreadPoolExecutor(at_once) as pool:
            for result in pool.map(partial(attempt, crew), chosen):
                say(result)
                results.append(result)
    return _sum_up(results, whole=not names) or int(not sound)


def _sum_up(results: Sequence[Result], *, whole: bool) -> int:
    breakers = defaultdict(list)
    for result in results:
        for name in result.verdict.violated:
            breakers[name].append(result.mutant.name)
    say("\nInvariants, and the mutants under which they do not hold:")
    for name in names_of_invariants():
        say(f"  {name:<16} {', '.join(breakers[name]) or OUT_OF_REACH.get(name, 'NONE')}")
    never = [name for name in names_of_invariants() if not breakers[name] and name not in OUT_OF_REACH]
    alive = [result for result in results if not result.is_killed]
    for result in alive:
        say(f"SURVIVES: {result.mutant.name} ({result.mutant.promise})")
    say(
        f"\n{len(results)} mutants, {len(results) - len(alive)} killed, {len(alive)} survive;"
        f" invariants that none breaks, against what is said: {never or 'none'}"
    )
    return 1 if alive or (whole and never) else 0
