"""Several workshops, in which the product is tested as it is, then one changed version after the other."""

import queue
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial

from tests.mutants.workshop import Changed, Verdict, Workshop

say = partial(print, flush=True)


class Crew:
    """Whoever has a version to test gets the workshop that is free."""

    def __init__(self, places: Sequence[Workshop]) -> None:
        self._free: queue.Queue[Workshop] = queue.Queue()
        for place in places:
            self._free.put(place)
        self._known = places[0].directory / "whole.json"
        self._known.write_text('{"violated": {}, "failed": []}')

    def has_passed(self, tests: Sequence[str]) -> bool:
        """Test the product as it is. What fails here, or is broken by hand, counts for nothing afterwards."""
        with self._place() as place:
            whole = place.test(tests, within=1800)
            if not whole.trouble:
                place.report.replace(self._known)
        say(f"The product as it is: {whole.passed} tests passed in {whole.seconds:.0f} s.")
        if whole.failed or whole.trouble:
            say("These did not:", *whole.failed, whole.trouble, sep="\n  ")
        return not (whole.failed or whole.trouble)

    def test(self, changed: Changed, tests: Sequence[str], *until: str) -> Verdict:
        """What these tests say of a changed version, until one fails and these invariants are broken, too."""
        with self._place() as place:
            return place.test(tests, f"--until={';'.join(until)}", f"--known={self._known}", changed=changed)

    @contextmanager
    def _place(self) -> Iterator[Workshop]:
        place = self._free.get()
        try:
            yield place
        finally:
            self._free.put(place)
