"""What a person sees of the drill: the card, line by line as it grows, on a terminal or in a job's output."""

import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final, TextIO

from jobs.cli.screen import Screen
from jobsite.drill.card import Card, Kill

GOOD, BAD, NOW = "\N{HEAVY CHECK MARK}", "\N{HEAVY BALLOT X}", "\N{MIDDLE DOT}"
TITLE: Final = 24
FIGURE: Final = 18
LEGEND: Final = (
    "back in service: seen at its work again, such as the renewal of a lease",
    "ends recorded:   of all jobs that ended, waited or came while it was away",
)
STAYS_DEAD: Final = "A killed wrapper stays dead: how its job ended is told as unknown."
ERASE: Final = "\r\x1b[K"


class Show:
    """Prints the card to one stream."""

    def __init__(self, stream: TextIO, variables: Mapping[str, str]) -> None:
        self._stream = stream
        self._screen = Screen.of(stream, variables)

    def head(self, directory: Path, jobs: int, *, keep: bool) -> None:
        """What is about to be done."""
        self._line("Jobsite drill: a sandbox platform is killed piece by piece; yours is untouched.")
        self._line(f"  sandbox  {directory}, {'kept' if keep else 'removed'} at the end; Ctrl-C ends it")
        self._line(f"  load     {jobs} jobs of known ends under each kill, and 2 more while it is away")
        self._begin("starting the sandbox")

    def times(self, times: str) -> None:
        """Which times of the protocol hold in it."""
        self._line(f"  times    {times}")
        self._line()
        self._begin("starting the sandbox")

    def ready(self, seconds: float) -> None:
        """The sandbox works."""
        self._line(f"{self._mark(good=True)} the sandbox is ready after {seconds:.1f} s")
        self._line()
        titles = "".join(f"{text:>{FIGURE}}" for text in ("back in service", "ends recorded", "jobs"))
        self._line(f"  {'killed with kill -9':{TITLE}}{titles}")

    def striking(self, title: str) -> None:
        """It is its turn."""
        self._begin(title)

    def kill(self, kill: Kill) -> None:
        """What became of one kill."""
        back = _seconds(kill.back) if kill.seen_by else "-"
        ends = _seconds(kill.ends) if kill.rest else "never"
        figures = "".join(f"{text:>{FIGURE}}" for text in (back, ends, str(kill.jobs)))
        self._line(f"{self._mark(good=kill.recovered)} {kill.title:{TITLE}}{figures}")

    def settling(self, card: Card) -> None:
        """The kills are over."""
        self._line()
        stay_dead = [] if all(kill.seen_by for kill in card.kills) else [STAYS_DEAD]
        for line in (*LEGEND, *stay_dead):
            self._line(f"  {line}")
        self._line()
        self._begin("counting what must be zero")

    def counts(self, card: Card) -> None:
        """What must be zero."""
        for count in card.counts:
            mark = self._mark(good=not count.number)
            self._line(f"{mark} {count.name:{TITLE - 10}}{count.number:>6}   {count.means}")

    def foot(self, card: Card) -> None:
        """The sum."""
        self._line()
        kills = "1 kill" if len(card.kills) == 1 else f"{len(card.kills)} kills"
        took = f"{card.jobs} jobs, {kills}, {card.seconds:.0f} s"
        if card.is_good:
            self._line(self._screen.paint(f"All recovered, all zero: {took}.", "COMPLETED"))
        else:
            self._line(self._screen.paint(f"The promise was not kept: {took}.", "FAILED"))
            for failure in card.failures:
                self._line(f"  {failure}")
        if card.kept:
            self._line(f"The sandbox's directory is kept: {card.kept} (its logs are in var/logs).")

    def _begin(self, words: str) -> None:
        """On a terminal that can erase a line, what goes on now; the next line takes its place."""
        if self._screen.colour:
            self._print(f"{NOW} {words} …", end="")

    def _line(self, text: str = "") -> None:
        erase = ERASE if self._screen.colour else ""
        self._print(f"{erase}{text}")

    def _print(self, text: str, end: str = "\n") -> None:
        """Lost without harm when nobody can read it any more: the sandbox is taken away all the same."""
        with suppress(OSError, ValueError):
            print(text, end=end, flush=True, file=self._stream)

    def _mark(self, *, good: bool) -> str:
        return self._screen.paint(GOOD, "COMPLETED") if good else self._screen.paint(BAD, "FAILED")


class Silent(Show):
    """Prints nothing: a program reads the card afterwards."""

    def __init__(self) -> None:
        super().__init__(sys.stderr, {})

    def _begin(self, words: str) -> None:
        del words

    def _line(self, text: str = "") -> None:
        del text


def _seconds(seconds: float | None) -> str:
    return "never" if seconds is None else f"{seconds:.1f} s"
