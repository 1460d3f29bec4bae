"""The part of the drill that needs the sandbox's tables: one round for each victim, then the count."""

from collections.abc import Sequence

from django.conf import settings

from jobs.cli.errors import CommandError
from jobsite.drill import tally, victims
from jobsite.drill.card import Card
from jobsite.drill.load import Load
from jobsite.drill.round import Round
from jobsite.drill.sandbox import Sandbox, SandboxError
from jobsite.drill.show import Show
from jobsite.drill.victims import Victim
from jobsite.drill.waiting import Waiting
from jobsite.drill.witness import Witness


def times() -> str:
    """Which times of the protocol are used, and the largest of them."""
    scale = settings.ENVIRONMENT.time_scale
    whose = "the platform's own" if scale == 1 else f"shortened to {scale:g} by JOBSITE_TIME_SCALE"
    told = {
        "heartbeat": settings.HEARTBEAT,
        "leader": settings.SCHEDULER_LEASE,
        "sweep": settings.SWEEP_INTERVAL,
        "Beat": settings.RECOVER_INTERVAL,
    }
    return f"{whose}: " + ", ".join(f"{name} {span.total_seconds():g} s" for name, span in told.items())


class Harm:
    """Kills in a sandbox that is ready, and writes the card."""

    def __init__(self, sandbox: Sandbox, card: Card, show: Show, waiting: Waiting) -> None:
        self._sandbox, self._card, self._show, self._waiting = sandbox, card, show, waiting
        self._witness = Witness(sandbox.directory / "witness")
        self._load = Load(sandbox.var, self._witness, waiting)

    def inflict(self, only: Sequence[str], jobs: int) -> None:
        """Kill each, until one does not recover; then count. What kept us from going on is in the card."""
        try:
            for victim in (one for one in victims.ALL if one.name in only):
                if not self._kill(victim, jobs):
                    break
        except (SandboxError, CommandError) as fault:
            self._card.faults.append(str(fault))
        self._show.settling(self._card)
        self._card.jobs = len(self._load.fates)
        self._card.counts = tally.settled(self._sandbox, self._load.fates, self._witness, self._waiting)
        if not self._card.counts:
            self._card.faults.append("The sandbox's database does not answer, so nothing could be counted.")
        self._show.counts(self._card)

    def _kill(self, victim: Victim, jobs: int) -> bool:
        """One round. False: the sandbox did not recover."""
        self._show.striking(victim.title)
        going = Round(
            sandbox=self._sandbox,
            load=self._load,
            witness=self._witness,
            waiting=self._waiting,
            directory=self._sandbox.directory / victim.name,
            patience=self._card.patience,
        )
        kill = going.play(victim, jobs)
        self._card.kills.append(kill)
        self._show.kill(kill)
        return kill.recovered
