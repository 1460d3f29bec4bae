"""The tiers of containment that this machine really has, each tried out as an agent does it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from jobs.execution import cage, trial
from jobs.execution.containment import Containment
from jobs.execution.spool import Spool
from jobs.execution.station import Station
from tests.eventually import eventually

PLAIN, CAGED = "sub-reaper", "control groups"


def _available() -> list[str]:
    """The second one only where a group can be had: by root, or where one was handed over."""
    facts = trial.hold("tiers", groups=True)
    Containment(facts=facts).close()
    return [PLAIN, CAGED] if facts.groups_kill else [PLAIN]


TIERS = _available()


@contextmanager
def station_of(spool: Spool, tier: str) -> Iterator[Station]:
    """A station whose jobs are contained in this way. What is left in its groups ends with it."""
    facts = trial.hold(spool.spool_id, groups=tier == CAGED)
    station = Station("n1", spool, containment=Containment(facts=facts, cpus=len(facts.cpus)))
    yield station
    eventually(lambda: _emptied(station), what="the end of every group")
    station.containment.close()
    assert not facts.home or not Path(facts.home).exists()


def _emptied(station: Station) -> bool:
    """Kill what is in its groups and take them away. A group whose process is just ending stays a moment."""
    for pair, _ in station.caged():
        cage.kill(station.group_of(pair))
        station.open_cage(pair)
    return not list(station.caged())
