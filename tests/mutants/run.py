"""Break the product in each way and see who notices: `make mutants`.

With NAMES only these. Exits with 1 when a mutant survives, when one does not break an invariant that it
should break, or when no mutant breaks an invariant that is not known to be out of reach.
"""

import queue
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import NamedTuple

from tests.mutants.mutant import Mutant, SourceMovedError, read
from tests.mutants.reach import OUT_OF_REACH, names_of_invariants
from tests.mutants.workshop import Verdict, Workshop, workshop

say = partial(print, flush=True)


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


class Crew:
    """Several workshops, each with the whole product tested first."""

    def __init__(self, places: Sequence[Workshop]) -> None:
        self._free: queue.Queue[Workshop] = queue.Queue()
        for place in places:
            self._free.put(place)
        self._known = places[0].directory / "whole.json"
        self._known.write_text('{"violated": {}, "failed": []}')

    def test_whole(self, tests: Sequence[str]) -> Verdict:
        """The product as it is: what its tests break by hand, and that they pass."""
        with self._place() as place:
            verdict = place.test(tests, within=1800)
            if not verdict.trouble:
                place.report.replace(self._known)
        return verdict

    def test(self, mutant: Mutant) -> Result:
        """One mutant, in whichever workshop is free."""
        with self._place() as place:
            whole = (place.tree / mutant.file).read_text()
            options = f"--until={';'.join(mutant.invariants)}", f"--known={self._known}"
            try:
                changed = mutant.file, whole, mutant.apply(whole)
            except SourceMovedError as error:
                return Result(mutant, Verdict([], {}, 0, 0.0, str(error)))
            return Result(mutant, place.test(mutant.killers, *options, changed=changed))

    @contextmanager
    def _place(self) -> Iterator[Workshop]:
        place = self._free.get()
        try:
            yield place
        finally:
            self._free.put(place)


def main(names: Sequence[str], at_once: int, *, trusted: bool) -> int:
    """Answer whether anything was not as it should be."""
    chosen = [mutant for mutant in read() if not names or mutant.name in names]
    tests = sorted({killer for mutant in chosen for killer in mutant.killers})
    with ExitStack() as stack:
        crew = Crew([stack.enter_context(workshop(tests)) for _ in range(at_once)])
        whole = Verdict([], {}, 0, 0.0) if trusted else crew.test_whole(tests)
        say(f"The product as it is: {whole.passed} tests passed in {whole.seconds:.0f} s.")
        if whole.failed or whole.trouble:
            say("These did not, and count for nothing below:", *whole.failed, whole.trouble, sep="\n  ")
        if whole.trouble:
            return 1
        results = []
        with ThreadPoolExecutor(at_once) as pool:
            for result in pool.map(crew.test, chosen):
                say(result)
                results.append(result)
    return _sum_up(results, whole=not names) or int(bool(whole.failed))


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
