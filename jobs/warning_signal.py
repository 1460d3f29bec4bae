"""A signal that a job gets before its limit, as sbatch(1) writes it: `--signal=[B:]SIG[@SECONDS]`."""

import re
import signal
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Self

DEFAULT_SECONDS: Final = 60
MOST_SECONDS: Final = 65535
HIGHEST: Final = 64
FORMS: Final = "such as USR1, USR1@120 for 120 seconds before the limit, or B:USR1 for the script alone"

_FORM: Final = re.compile(r"(?:([A-Z]):)?(?:SIG)?([A-Z]+[0-9]*|[0-9]{1,3})(?:@([0-9]{1,6}))?", re.ASCII)


@dataclass(frozen=True)
class WarningSignal:
    """Which signal, how many seconds before the limit, and whether the script's own process alone gets it."""

    number: int
    seconds: int = DEFAULT_SECONDS
    to_shell: bool = False

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ValueError with what was asked and what is allowed."""
        match = _FORM.fullmatch(text.strip().upper())
        if match is None or match[1] not in (None, "B"):
            raise ValueError(f"The signal {text[:40]!r} is not understood. Give one {FORMS}.")
        seconds = DEFAULT_SECONDS if match[3] is None else int(match[3])
        if seconds > MOST_SECONDS:
            raise ValueError(
                f"A signal {seconds:,} s before the limit is too early. Give at most {MOST_SECONDS:,}."
            )
        return cls(_number(match[2]), seconds, match[1] == "B")

    def check_before(self, limit: timedelta) -> None:
        """Raise ValueError when it would come before the job has begun."""
        if self.seconds >= limit.total_seconds():
            raise ValueError(
                f"The signal is to come {self.seconds} s before a limit of {int(limit.total_seconds())} s. "
                "Give fewer seconds, as in USR1@10, or a longer time limit."
            )

    def __str__(self) -> str:
        return f"{'B:' if self.to_shell else ''}{name(self.number)}@{self.seconds}"


def name(number: int) -> str:
    """Its name without SIG, or its number where it has none."""
    try:
        return signal.Signals(number).name.removeprefix("SIG")
    except ValueError:
        return str(number)


def _number(word: str) -> int:
    if word.isdecimal():
        found: int | None = int(word)
    else:
        found = getattr(signal, f"SIG{word}", None)
    if found is None or not isinstance(found, int) or not 1 <= found <= HIGHEST:
        raise ValueError(
            f"There is no signal {word[:20]!r}. Give a number from 1 to {HIGHEST} or a name such as USR1."
        )
    return int(found)
