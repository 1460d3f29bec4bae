"""A job can write what its wrapper writes, as it has the same account: nobody else is harmed by that."""

import json
from collections.abc import Callable

import pytest

from jobs import lifecycle
from jobs.execution import processes
from jobs.execution.settle import settle
from jobs.execution.station import Station
from jobs.states import State
from tests.eventually import eventually
from tests.jobs.execution import running
from tests.jobs.execution.conftest import Process
from tests.jobs.execution.test_unreadable import EXIT

pytestmark = pytest.mark.django_db


def test_a_stranger_in_a_forged_ticket_is_never_signalled(
    station: Station, marked: Callable[[str], Process]
) -> None:
    job = running.active(station)
    stranger = processes.identify(marked("another").pid)
    assert stranger is not None
    forged = {"pid": stranger.pid, "start_ticks": stranger.start_ticks}
    forged |= {"wrapper_pid": stranger.pid, "wrapper_ticks": stranger.start_ticks}
    ticket = station.directory_of(job).path / "ticket"
    ticket.write_text(json.dumps({"boot_id": station.boot_id, **forged}))
    lifecycle.cancel(job, actor="ana")
    job.refresh_from_db()
    settle(job, station)
    running.outcome_of(station.directory_of(job))
    assert processes.is_alive(stranger)


def test_the_end_that_a_living_job_forges_is_not_recorded(station: Station) -> None:
    job = running.active(station, "until [ -e go ]; do sleep 0.02; done; exit 5")
    directory = station.directory_of(job).path
    (directory / "exit.json").write_text(json.dumps({**EXIT, "exit_code": 0}))
    assert not settle(job, station)
    (station.spool.path.parent / "go").touch()
    eventually(lambda: settle(job, station), within=running.LONG)
    job.refresh_from_db()
    assert (job.state, job.exit_code) == (State.FAILED, 5)
