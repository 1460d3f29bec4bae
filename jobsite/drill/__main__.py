"""`python -m jobsite.drill`, which `jobsite drill` becomes: plays one drill, and leaves nothing behind."""

import os
import sys

from jobs.cli.arguments import parser
from jobs.cli.errors import REFUSED
from jobsite.drill.place import NoPlaceError, candidates, make
from jobsite.drill.play import Drill
from jobsite.drill.show import Show, Silent
from jobsite.drill.waiting import StoppedError, Waiting
from jobsite.run.wakeup import Wakeup

SIGNALLED = 128


def main() -> int:
    """The exit code: 0 all was well, 1 not, 128 + the signal that stopped it."""
    given = parser().parse_args(["drill", *sys.argv[1:]])
    sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]
    show = Silent() if given.json else Show(sys.stdout, os.environ)
    with Wakeup() as wakeup:
        try:
            directory = make(candidates(os.environ))
            drill = Drill(
                directory,
                jobs=given.jobs,
                only=given.only,
                show=show,
                waiting=Waiting(wakeup),
                patience=given.patience,
            )
            card = drill.play(keep=given.keep)
        except NoPlaceError as refusal:
            print(f"error: {refusal}", file=sys.stderr)
            return REFUSED
        except StoppedError as stopped:
            left = f"only its directory, {directory}" if given.keep else "nothing"
            print(f"\nStopped by signal {stopped.number}. Of the sandbox {left} is left.", file=sys.stderr)
            return SIGNALLED + stopped.number
    if given.json:
        print(card.json())
    return 0 if card.is_good else REFUSED


if __name__ == "__main__":
    sys.exit(main())
