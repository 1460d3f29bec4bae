"""What the person at the terminal is told. A terminal that was closed must not stop an orderly stop."""

import signal
import sys
import time
from contextlib import suppress
from pathlib import Path


class Console:
    """Prints one line per event."""

    def __init__(self) -> None:
        with suppress(AttributeError, ValueError):
            sys.stdout.reconfigure(errors="replace", line_buffering=True)  # type: ignore[union-attr]

    def line(self, text: str) -> None:
        """One line, lost without harm when nobody can read it any more."""
        with suppress(OSError, ValueError):
            print(text, flush=True)

    def ready(self, name: str, address: str, seconds: float) -> None:
        """One process works."""
        self.line(f"  \N{HEAVY CHECK MARK} {name:<10} {address:<38} {seconds:.1f}s")

    def not_started(self, name: str, error: Exception, delay: float) -> None:
        """One process could not be started and is tried again."""
        self.line(f"  ! {name} cannot be started; trying again in {delay:.0f}s: {error}")

    def died(self, name: str, exit_code: int, delay: float, log: Path) -> None:
        """One process ended by itself and is started again."""
        self.line(f"  ! {name} {how_it_ended(exit_code)}; starting it again in {delay:.1f}s. Its log: {log}")


def how_it_ended(exit_code: int) -> str:
    """An exit code in words."""
    if exit_code >= 0:
        return f"ended with exit code {exit_code}"
    try:
        return f"was ended by {signal.Signals(-exit_code).name}"
    except ValueError:
        return f"was ended by signal {-exit_code}"


def seconds_since_exec() -> float:
    """How long this process has existed, its interpreter's own start included."""
    ticks = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
    return (
        time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / 100
    )  # the unit of /proc is 1/100 s on every Linux
