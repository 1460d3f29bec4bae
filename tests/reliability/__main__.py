"""`make reliability`: write the page, with what the long proofs have left in test-results/ since.

`make measure ROUND=races` plays one of them, however long that takes, and keeps what came of it;
`python -m tests.reliability take races output.txt` does so with the output of one that was played before.
"""

import subprocess
import sys
from pathlib import Path

from tests.reliability.figures import Figures, fetch
from tests.reliability.page import NOT_YET, PAGE, page
from tests.reliability.rounds import ROUNDS, named
from tests.session import ROOT

say = sys.stdout.write
USAGE = "usage: python -m tests.reliability [page | measure ROUND | take ROUND FILE]"


def main(arguments: list[str]) -> int:
    """The exit code: that of the round, or 0."""
    code = 0
    match arguments:
        case []:
            for one in ROUNDS:
                if figures := fetch(one.name):
                    say(f"{one.name}: {figures.lines[-1]}\n")
        case ["page"]:
            pass
        case ["measure", name]:
            code = measure(name)
        case ["take", name, file]:
            Figures.now(named(name), Path(file).read_text(errors="replace")).keep(name)
        case _:
            raise SystemExit(USAGE)
    PAGE.write_text(page())
    say(f"{PAGE.relative_to(ROOT)}: {page().count(NOT_YET)} rounds {NOT_YET}\n")
    return code


def measure(name: str) -> int:
    """Play one round, show all that it prints, and keep its result, good or bad."""
    one, printed = named(name), []
    with subprocess.Popen(
        one.command.split(), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout
        for line in process.stdout:
            say(line)
            printed.append(line)
    Figures.now(one, "".join(printed)).keep(name)
    return process.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
