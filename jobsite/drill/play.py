"""One drill, from an empty directory to the card; and the directory is gone again."""

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from jobsite.drill.card import Card
from jobsite.drill.sandbox import Sandbox, SandboxError, cpus_for
from jobsite.drill.show import Show
from jobsite.drill.waiting import StoppedError, Waiting
from jobsite.embedded.error import ServerError
from jobsite.environment import OddSetting
from jobsite.run.refusal import RefusalError

START_WITHIN: Final = 300.0
"""Seconds that the sandbox may take to be ready: no promise, but a sign that something is wrong."""


class Drill:
    """Whom to kill in which directory, under how many jobs."""

    def __init__(
        self,
        directory: Path,
        *,
        jobs: int,
        only: Sequence[str],
        show: Show,
        waiting: Waiting,
        patience: float,
    ) -> None:
        self._directory, self._jobs, self._only = directory, jobs, only
        self._show, self._waiting = show, waiting
        self._card = Card(patience=patience)

    def play(self, *, keep: bool) -> Card:
        """Play it. The sandbox's processes have ended afterwards, whatever happens.

        Its directory stays where the promise was not kept, or with `keep`. Raises StoppedError.
        """
        begun = time.monotonic()
        card = self._card
        sandbox = Sandbox(self._directory, cpus=cpus_for(self._jobs), variables=dict(os.environ))
        stopped = False
        try:
            self._play(sandbox, keep=keep)
        except (SandboxError, ServerError, RefusalError, OddSetting, OSError) as fault:
            card.faults.append(str(fault))
        except StoppedError:
            stopped = True
            raise
        finally:
            sandbox.stop()
            if keep or not (card.is_good or stopped):
                card.kept = self._directory
            else:
                sandbox.remove()
        card.seconds = time.monotonic() - begun
        self._show.foot(card)
        return card

    def _play(self, sandbox: Sandbox, *, keep: bool) -> None:
        begun = time.monotonic()
        self._show.head(self._directory, self._jobs, keep=keep)
        sandbox.start()
        from jobsite.drill.harm import Harm, times  # noqa: PLC0415 - Django is set up by now

        self._card.times = times()
        self._show.times(self._card.times)
        if self._waiting.until(sandbox.is_ready, within=START_WITHIN) is None:
            raise SandboxError(f"The sandbox was not ready within {START_WITHIN:.0f} s.")
        self._show.ready(time.monotonic() - begun)
        Harm(sandbox, self._card, self._show, self._waiting).inflict(self._only, self._jobs)
