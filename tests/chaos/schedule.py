"""What a round does and when: a pure function of seed, jobs and faults, so that the seed gives it again.

Whom a fault meets depends on who lives at that moment, and that on the machine: `draw` gives each fault a
number between 0 and 1 by which it chooses among those that there are then.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeVar

Kind = TypeVar("Kind")

PER_FAULT, PER_JOB = 2.5, 0.25
"""Seconds of a round for each fault and for each job; the longer sum counts."""
HEALED_AT = 0.8
"""In liveness mode the last fault is over by then; jobs are submitted to the end."""
SCALE: Final = 0.2
"""Of all times of the protocol, as JOBSITE_TIME_SCALE; faults that last are as much shorter."""


class Work(StrEnum):
    """What a job does."""

    QUICK = "quick"
    STEADY = "steady"
    FAILING = "failing"
    DEAF = "deaf"
    """It does not hear TERM, and runs into its limit."""
    DAEMON = "daemon"
    """It leaves something behind that has left its session."""
    LOUD = "loud"


class Harm(StrEnum):
    """What a fault does."""

    WORKER = "worker"
    WRAPPER = "wrapper"
    JOB = "job"
    BROKER_KILL = "broker kill"
    BROKER_FLUSH = "broker flush"
    BROKER_DUP = "broker dup"
    BROKER_CUT = "broker cut"
    BROKER_MUTE = "broker half-open"
    BROKER_SLOW = "broker slow"
    POSTGRES = "postgres"
    REBOOT = "reboot"
    PARTITION = "partition"
    STOP = "stop"
    BEAT = "beat"
    DISK_FULL = "disk full"
    CANCELS = "cancel storm"


WORKS: Final = {Work.QUICK: 60, Work.STEADY: 20, Work.FAILING: 5, Work.DEAF: 5, Work.DAEMON: 5, Work.LOUD: 5}
HARMS: Final[dict[Harm, float]] = {
    Harm.WORKER: 25,
    Harm.WRAPPER: 15,
    Harm.JOB: 5,
    **dict.fromkeys([harm for harm in Harm if harm.startswith("broker")], 15 / 6),
    Harm.POSTGRES: 10,
    Harm.REBOOT: 8,
    Harm.PARTITION: 8,
    Harm.STOP: 6,
    Harm.BEAT: 3,
    Harm.DISK_FULL: 2,
    Harm.CANCELS: 3,
}
LASTING: Final = {
    Harm.PARTITION: (10.0, 120.0),
    Harm.STOP: (5.0, 60.0),
    Harm.REBOOT: (5.0, 30.0),
    Harm.DISK_FULL: (10.0, 60.0),
    Harm.BROKER_CUT: (5.0, 40.0),
    Harm.BROKER_MUTE: (5.0, 40.0),
    Harm.BROKER_SLOW: (5.0, 40.0),
}
"""Seconds at full scale between which they last; the others are over at once."""
SECONDS: Final = {Work.QUICK: (0.05, 0.5), Work.STEADY: (1.0, 5.0)}


@dataclass(frozen=True)
class PlannedJob:
    """One job to be submitted."""

    number: int
    at: float
    work: Work
    seconds: float
    exit_code: int
    requeue: bool
    gpus: int
    answer_is_lost: bool
    """Its first answer is thrown away unread, as by a broken line, and it is submitted again."""


@dataclass(frozen=True)
class PlannedFault:
    """One fault to be done."""

    number: int
    at: float
    harm: Harm
    lasts: float
    choice: float
    """Chooses among those whom it can meet."""


@dataclass(frozen=True)
class Schedule:
    """All of a round."""

    jobs: tuple[PlannedJob, ...]
    faults: tuple[PlannedFault, ...]
    length: float
    healed_at: float


def draw(seed: int, jobs: int, faults: int, *, liveness: bool = True) -> Schedule:
    """The schedule of a round, the same for the same arguments on every machine."""
    dice = random.Random(f"{seed}/{jobs}/{faults}")  # noqa: S311 - it is to be repeatable
    length = max(PER_JOB * jobs, PER_FAULT * faults)
    healed_at = length * (HEALED_AT if liveness else 1.0)
    submissions = sorted(dice.uniform(0, length) for _ in range(jobs))
    works = _in_shares(dice, WORKS, jobs)
    planned = tuple(_job(dice, *each) for each in zip(range(jobs), submissions, works, strict=True))
    # A Poisson process of which the number is known has its moments evenly spread over the time.
    moments = sorted(dice.random() for _ in range(faults))
    harms = _in_shares(dice, HARMS, faults)
    return Schedule(
        planned,
        tuple(
            _fault(dice, number, moment * healed_at, harm)
            for number, moment, harm in zip(range(faults), moments, harms, strict=True)
        ),
        length,
        healed_at,
    )


def _in_shares(dice: random.Random, shares: Mapping[Kind, float], number: int) -> list[Kind]:
    return dice.choices(list(shares), weights=list(shares.values()), k=number)


def _job(dice: random.Random, number: int, at: float, work: Work) -> PlannedJob:
    return PlannedJob(
        number=number,
        at=round(at, 3),
        work=work,
        seconds=round(dice.uniform(*SECONDS.get(work, (0.2, 0.8))), 3),
        exit_code=dice.randint(1, 120) if work is Work.FAILING else 0,
        requeue=dice.random() < 0.1,
        gpus=int(dice.random() < 0.1),
        answer_is_lost=dice.random() < 0.05,
    )


def _fault(dice: random.Random, number: int, at: float, harm: Harm) -> PlannedFault:
    least, most = LASTING.get(harm, (0.0, 0.0))
    return PlannedFault(
        number, round(at, 3), harm, round(SCALE * dice.uniform(least, most), 3), dice.random()
    )
