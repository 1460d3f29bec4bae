"""What jobs themselves tell: a file that no part of the platform reads. And a gate that holds them."""

import os
from collections import Counter
from pathlib import Path


class Witness:
    """A file to which every job appends one line when it starts: its number, its attempt, its pid."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.touch()

    def script(self, rest: str = "") -> str:
        """A script that tells of its start and then goes on."""
        tells = f'echo "start $SLURM_JOB_ID $JOBSITE_ATTEMPT $$" >> {self.path}'
        return f"#!/bin/sh\n{tells}\n{rest}\n"

    @property
    def starts(self) -> Counter[int]:
        """How often each job has started."""
        lines = self.path.read_text().splitlines()
        return Counter(int(line.split()[1]) for line in lines if line.startswith("start "))


class Gate:
    """Holds every job that comes to it, without costing it anything, until it is opened."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None
        os.mkfifo(path)

    @property
    def wait(self) -> str:
        """The line of a script at which the job waits: who opens a FIFO to read it waits for a writer."""
        return f": < {self._path}"

    def open(self) -> None:
        """Let all of them go, and all that come later."""
        self._descriptor = os.open(self._path, os.O_RDWR | os.O_CLOEXEC)

    def close(self) -> None:
        """Give the descriptor back."""
        if self._descriptor is not None:
            os.close(self._descriptor)
