"""`drill` asks no server: the platform's own interpreter plays it, with all of the platform at hand."""

import os
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from typing import Final

from jobs.cli.config import ROOT
from jobs.cli.errors import UNEXPECTED, CommandError

VICTIMS: Final = ("worker", "wrapper", "broker", "scheduler", "beat", "postgres")
"""Whom the drill kills, in this order."""
FEWEST: Final = 4
MOST: Final = 100
USUAL: Final = 16
PATIENCE: Final = (5, 600, 60)
"""Seconds that each recovery may take: least, most and usual."""
DRILL: Final = """\
examples:
  jobsite drill
  jobsite drill --only worker,broker --jobs 40
  jobsite drill --json | jq .zeros

It starts a platform of its own beside yours, with a directory, a database, a broker and ports of its own, and
gives it jobs whose ends are known. Under them it kills (kill -9) a worker with its launcher, wrappers, the
broker, the scheduler, Beat and PostgreSQL, one after the other. The card tells how soon each was back and the
true ends were recorded, and counts what must be zero. Your platform need not run; if it does, it is not
touched, but for the machine's time: about one CPU and 600 MiB for one to two minutes.

exit codes:
  0 everything recovered and all counts are zero; 1 not so: the card says what, and where the logs are;
  130 Ctrl-C, 143 SIGTERM: it was stopped, and nothing is left
"""


class NotStartedError(CommandError):
    """The system does not let us become the drill."""

    code = UNEXPECTED


def add_drill_options(command: ArgumentParser) -> None:
    """What the drill can be told."""
    command.add_argument(
        "--jobs",
        metavar="N",
        type=lambda word: _whole(word, FEWEST, MOST, "so many jobs run under each kill"),
        default=USUAL,
        help=f"jobs under each kill: {FEWEST} to {MOST} ({USUAL})",
    )
    command.add_argument(
        "--only",
        metavar="NAME,...",
        type=_victims,
        default=VICTIMS,
        help=f"kill only these: {', '.join(VICTIMS)}",
    )
    least, most, usual = PATIENCE
    command.add_argument(
        "--patience",
        metavar="SECONDS",
        type=lambda word: _whole(word, least, most, "so many seconds each recovery may take"),
        default=usual,
        help=f"what has not recovered by then has failed: {least} to {most} ({usual})",
    )
    command.add_argument("--keep", action="store_true", help="keep the sandbox's directory in any case")
    command.add_argument("--json", action="store_true", help="print the card as JSON, and nothing else")


def drill(given: Namespace) -> int:
    """Become the drill. Its exit code is ours. Raises NotStartedError."""
    sys.stdout.flush()
    try:
        os.chdir(ROOT)
        os.execv(sys.executable, command(given, sys.executable))  # noqa: S606 - our own interpreter
    except OSError as error:
        raise NotStartedError(
            f"the drill cannot be started: {error.strerror}", hints=[f"is {ROOT} whole, and .venv in it?"]
        ) from None


def command(given: Namespace, python: str) -> list[str]:
    """The drill's own command line. PYTHON variables of the person's must not change what runs."""
    flags = [f"--{name}" for name in ("keep", "json") if getattr(given, name)]
    numbers = ["--jobs", str(given.jobs), "--patience", str(given.patience)]
    return [python, "-E", "-m", "jobsite.drill", *numbers, "--only", ",".join(given.only), *flags]


def _whole(word: str, least: int, most: int, means: str) -> int:
    number = int(word) if word.isascii() and word.isdecimal() and len(word) < 9 else -1
    if not least <= number <= most:
        raise ArgumentTypeError(f"{word!r} is no whole number from {least} to {most}: {means}")
    return number


def _victims(word: str) -> tuple[str, ...]:
    """In the drill's own order, each once."""
    asked = [name.strip() for name in word.split(",")]
    for name in asked:
        if name not in VICTIMS:
            raise ArgumentTypeError(f"the drill kills no {name!r}; choose from {', '.join(VICTIMS)}")
    return tuple(name for name in VICTIMS if name in asked)
