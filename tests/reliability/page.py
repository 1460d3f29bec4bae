"""The page itself: prose that people write, figures that commands left, what the tests say of each fault."""

from collections.abc import Iterator
from pathlib import Path

from tests import fault_table
from tests.faults import ELSEWHERE, FAULTS, IMPOSSIBLE
from tests.reliability.figures import KEPT, Figures
from tests.reliability.rounds import ROUNDS, Round
from tests.session import ROOT

PAGE = ROOT / "docs" / "reliability.md"
PROSE = Path(__file__).with_name("prose.md")
FIGURES, OUTCOMES = "<!-- figures -->\n", "<!-- outcomes -->\n"
NOT_YET = "not measured yet"


def page(results: Path = KEPT) -> str:
    """The whole of it, from its sources as they are now."""
    prose = PROSE.read_text()
    return prose.replace(FIGURES, "".join(_figures(results))).replace(OUTCOMES, "".join(_outcomes()))


def _figures(results: Path) -> Iterator[str]:
    for one in ROUNDS:
        yield f"### `{one.command}`\n\n{one.shows}.\n\n"
        yield from _told(one, Figures.read(one.name, results))


def _told(one: Round, figures: Figures | None) -> Iterator[str]:
    if figures is None:
        yield f"**{NOT_YET}**\n\n"
        return
    lines = "\n".join(figures.lines)
    by = "" if figures.command in ("", one.command) else f" by `{figures.command}`"
    commit = f" of {figures.commit}" if figures.commit else ""
    yield f"```\n{lines}\n```\n\n{figures.at[:10]}{by}{commit}; {figures.machine}.\n\n"


def _outcomes() -> Iterator[str]:
    claims = fault_table.claims()
    yield "| | What goes wrong | What happens then |\n|---|---|---|\n"
    for number, fault in sorted({**ELSEWHERE, **FAULTS}.items()):
        cells = sorted({sentence(test) for test in claims.get(number, [])})
        if reason := IMPOSSIBLE.get(number):
            cells.append(f"Not here: {reason}.")
        yield f"| F{number:02} | {fault} | {'<br>'.join(cells) or 'no test is named after it'} |\n"


def sentence(test: str) -> str:
    """What a test says of the world: its name is a sentence."""
    file, _, name = test.partition("::")
    words = name.removeprefix("test_").split("_")
    while words and fault_table.IN_NAME.match(f"test_{words[0]}_"):
        del words[0]
    return f"[{' '.join(words)}](../tests/{file})"
