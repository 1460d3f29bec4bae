"""Somebody asks for a job's end between the agent's look at it and the agent's write."""

import pytest

from jobs import lifecycle
from jobs.execution import processes
from jobs.execution.settle import settle_pair
from jobs.execution.spool import Spool
from jobs.execution.station import Marked, Station
from jobs.execution.verdict import Evidence
from jobs.models import Job
from jobs.states import Reason, State
from tests.jobs.execution import running

pytestmark = pytest.mark.django_db


class OvertakenStation(Station):
    """While it looks at a job for the first time, its owner cancels it."""

    looks = 0

    def observe(self, job: Job, marked: Marked = processes.marked) -> Evidence:
        seen = super().observe(job, marked)
        self.looks += 1
        if self.looks == 1:
            assert lifecycle.cancel(Job.objects.get(pk=job.pk), actor="ana")
        return seen


@pytest.fixture
def station(spool: Spool) -> OvertakenStation:
    return OvertakenStation("n1", spool)


def test_an_end_that_a_cancel_overtakes_is_recorded_at_once_as_the_cancels(station: OvertakenStation) -> None:
    job = running.active(station, "exit 3")
    running.outcome_of(station.directory_of(job))
    assert settle_pair(job.pk, 1, station)
    job.refresh_from_db()
    assert (job.state, job.reason, job.exit_code) == (State.CANCELLED, Reason.CANCELLED, 3)


def test_a_start_that_a_cancel_overtakes_is_recorded_and_the_job_asked_to_stop(
    station: OvertakenStation,
) -> None:
    job = running.launched(station)
    assert not settle_pair(job.pk, 1, station)
    assert running.outcome_of(station.directory_of(job)).cause == "cancel"
    assert settle_pair(job.pk, 1, station)


def test_a_job_that_goes_on_as_it_was_is_looked_at_once(station: OvertakenStation) -> None:
    job = running.active(station)
    station.looks = 1
    assert not settle_pair(job.pk, 1, station)
    assert station.looks == 2
