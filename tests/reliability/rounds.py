"""The long proofs: what each shows, the command that plays it, and which of its lines tell the result."""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Round:
    """One of them. `tells` finds, among all that its command prints, the lines that are its result."""

    name: str
    shows: str
    command: str
    tells: str

    def lines_of(self, output: str) -> list[str]:
        """Those lines, in their order. None: it has not come to its end."""
        return [line.rstrip() for line in output.splitlines() if re.search(self.tells, line)]


ROUNDS = (
    Round(
        "sweep",
        "Each process is killed, cut off or refused at each named place of the code",
        "make sweep",
        r"^sweep: cases=",
    ),
    Round(
        "chaos",
        "Many jobs meet many faults of all kinds at once; an oracle that the product never reads judges",
        "make chaos JOBS=10000 FAULTS=1000 SEED=1",
        r"^seed=\d+ .* jobs=\d{4,} ",
    ),
    Round(
        "model",
        "Every interleaving of the protocol's steps and faults in small worlds, and what each clause is for",
        "make model",
        r"\d configurations? with .* states",
    ),
    Round(
        "machine",
        "Random histories of the real code on a real database; actors stop at any named place",
        "make machine MACHINE=full",
        r"\d+ (examples|stories)|\d+ passed",
    ),
    Round(
        "races",
        "Every two transitions of one job that can both be possible, in both orders, on two connections",
        "make races ROUNDS=200",
        r"\d+ passed|\d+ failed",
    ),
    Round(
        "mutants",
        "The product with one clause taken out: some test or invariant must see it",
        "make mutants",
        r"\d+ (of \d+ )?(hand-written|mutants|generated).*|killed",
    ),
    Round(
        "drill",
        "Worker, wrapper, broker, scheduler, Beat and PostgreSQL of a sandbox are killed under load",
        "make drill",
        r"^  killed with|^[✔✘] |^All recovered|^The promise was not kept",
    ),
    Round(
        "soak",
        "Half an hour of steady load: does memory, or anything that is held, grow?",
        "make soak MINUTES=30 RATE=5",
        r"^soak: ",
    ),
    Round(
        "backlog",
        "The sweep at a worker's start, and a scheduler's pass, beside up to 100,000 waiting jobs",
        "make backlog",
        r"^(sweep|pass)\b|^ +\d+ +\d",
    ),
    Round(
        "beats",
        "Celery Beat dead from the start, twice, hanging: every bound of the promise",
        "make beats",
        r"\d+ passed|\d+ failed",
    ),
    Round(
        "kills",
        "kill -9 of everything around running jobs, in rounds",
        "make kills ROUNDS=20 JOBS=50",
        r"rounds of \d+ jobs; run twice",
    ),
    Round(
        "splitbrain",
        "Nodes that are cut off or suspended while others act",
        "make splitbrain ROUNDS=50",
        r"\d+ rounds in .* run twice",
    ),
)


def named(name: str) -> Round:
    """The round of this name. Raises SystemExit with all the names for any other."""
    for one in ROUNDS:
        if one.name == name:
            return one
    raise SystemExit(f"There is no round {name!r}. There are: {', '.join(one.name for one in ROUNDS)}.")
