"""What is said on standard error: never output, always safe to show."""

import sys
from collections.abc import Mapping

from jobs.cli.errors import CommandError
from jobs.cli.screen import Screen, safe


def say(line: str) -> None:
    """One line for the person."""
    print(line, file=sys.stderr, flush=True)


def report(error: CommandError, variables: Mapping[str, str]) -> None:
    """A line for each error, then one for each hint."""
    screen = Screen.of(sys.stderr, variables)
    for line in error.errors:
        say(f"{screen.paint('error:', 'error')} {safe(line)}")
    for line in error.hints:
        say(f"{screen.paint('hint:', 'hint')} {safe(line)}")
