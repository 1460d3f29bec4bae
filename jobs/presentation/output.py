"""A piece of a job's output, and the truth about what is not shown of it."""

from dataclasses import dataclass
from typing import Final, Self

from jobs.presentation import moments, text

PIECE: Final = 64 * 1024
LONGEST_LINE: Final = 300


@dataclass(frozen=True, kw_only=True)
class ShownOutput:
    """Some text, and where in the whole of the output it lies."""

    text: str
    start: int
    next: int
    size: int
    ended: bool
    note: str = ""
    """Why there is nothing to show; empty when there is no more to say."""

    @classmethod
    def of(cls, data: bytes, *, start: int, size: int, ended: bool, note: str = "") -> Self:
        """What can be shown of these bytes now. While more may come, an unfinished end is left for later."""
        shown = data if ended else text.whole(data)
        begin = start if note else min(start, size)
        return cls(
            text=text.readable(shown),
            start=begin,
            next=begin + len(shown),
            size=size,
            ended=ended,
            note=note,
        )

    @property
    def last_line(self) -> str:
        """The last line that says something; empty when there is none."""
        lines = (line.strip() for line in reversed(self.text.rsplit("\n", 20)))
        return next((line[:LONGEST_LINE] for line in lines if line), "")

    @property
    def before(self) -> str:
        """How much there is before it; empty when it is the beginning."""
        return moments.size(self.start) if self.start else ""

    @property
    def after(self) -> str:
        """How much there is after it, beyond what is still being written; empty when it is the end."""
        rest = self.size - self.next
        return moments.size(rest) if rest > text.LONGEST_HELD_BACK else ""

    @property
    def earlier(self) -> int:
        """The first byte of the piece before."""
        return max(0, self.start - PIECE)

    @property
    def amount(self) -> str:
        """How much the job has written."""
        return moments.size(self.size)
