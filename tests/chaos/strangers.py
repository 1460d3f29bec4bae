"""Processes that have nothing to do with the platform, and that nobody may signal.

Some carry the marker of another platform's job, as a second one on the same machine would give it. One that
ends, stops or is continued was signalled: none of them does so by itself. They are begun anew again and
again, so that their numbers are among those that the platform's processes had a moment ago.
"""

import os
import secrets
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

NUMBER: Final = 8
CHANGED = os.WNOHANG | os.WUNTRACED | os.WCONTINUED


@dataclass
class Strangers:
    """Those that live now, and what was done to any of them."""

    directory: Path
    signalled: list[str] = field(default_factory=list)
    begun: int = 0
    _living: "list[subprocess.Popen[bytes]]" = field(default_factory=list)

    @property
    def living(self) -> list[int]:
        """The numbers of those that live now."""
        return [one.pid for one in self._living]

    def look(self) -> None:
        """Note who was signalled; replace the oldest by a new one."""
        for one in [*self._living]:
            pid, status = os.waitpid(one.pid, CHANGED)
            if pid:
                self.signalled.append(f"stranger {pid}: status {status}")
                self._living.remove(one)
        while len(self._living) < NUMBER:
            self._begin()
        self._end(self._living.pop(0))

    def close(self) -> None:
        """Look a last time, and end them."""
        self.look()
        while self._living:
            self._end(self._living.pop())

    def _begin(self) -> None:
        self.begun += 1
        told = {"PATH": os.defpath}
        if self.begun % 2:
            told["JOBSITE_TOKEN"] = f"{secrets.token_hex(8)}.{self.begun}.1"
        self._living.append(
            subprocess.Popen(["sleep", "100000"], env=told, cwd=self.directory, start_new_session=True)
        )

    def _end(self, one: "subprocess.Popen[bytes]") -> None:
        """By us; what was done to it before is told."""
        pid, status = os.waitpid(one.pid, CHANGED)
        if pid:
            self.signalled.append(f"stranger {pid}: status {status}")
        else:
            one.kill()
            os.waitpid(one.pid, 0)
        one.returncode = 0  # it is reaped: subprocess need not wait for it
