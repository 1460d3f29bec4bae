"""One mutant: a piece of the product's source, and what stands in its place. Told in the `*.txt` beside this.

A line begins with what it tells: `=` the name, then a line with the promise that is broken, `@` the file,
`-` the piece of source, `+` what stands in its place (without it, nothing), `>` a test that must see it, a
file or a single one, and `!` an invariant that must be seen broken under it.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

HERE: Final = Path(__file__).resolve().parent


class SourceMovedError(Exception):
    """The piece of source is not there, or there more than once: the mutant must follow the product."""

    def __init__(self, mutant: "Mutant", found: int) -> None:
        self.mutant, self.found = mutant, found
        super().__init__(
            f"mutant {mutant.name}: its piece of {mutant.file} is there {found} times, and must be there"
            f" once:\n{mutant.source}\nWrite down in {mutant.told_in} what the clause looks like now."
        )


class Mutant(NamedTuple):
    """A clause broken, and who must see it."""

    name: str
    promise: str
    """What is not kept any more."""
    file: str
    source: str
    instead: str
    killers: tuple[str, ...]
    invariants: tuple[str, ...]
    told_in: str

    def apply(self, text: str) -> str:
        """The file's text with this clause broken. Raises SourceMovedError."""
        found = text.count(self.source)
        if found != 1:
            raise SourceMovedError(self, found)
        return text.replace(self.source, self.instead)


def read(directory: Path = HERE) -> list[Mutant]:
    """All of them, file by file, in their order."""
    return [mutant for path in sorted(directory.glob("*.txt")) for mutant in _read_file(path)]


def _read_file(path: Path) -> Iterator[Mutant]:
    for told in path.read_text().split("\n= ")[1:]:
        name, promise, *lines = told.splitlines()
        of = {sign: [line[2:] for line in lines if line[:1] == sign] for sign in "@-+>!"}
        yield Mutant(
            name=name,
            promise=promise,
            file=of["@"][0],
            source="\n".join(of["-"]),
            instead="\n".join(of["+"]),
            killers=tuple(of[">"]),
            invariants=tuple(of["!"]),
            told_in=path.name,
        )
