"""The database was put back from an older copy, and gives a number again that a job of this node has had."""

import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import timedelta

import pytest
from django.conf import settings

from jobs import lifecycle
from jobs.execution import runner
from jobs.execution.agent import NodeAgent
from jobs.execution.archive import Archive
from jobs.execution.late_results import tell_all
from jobs.execution.processes import Identity
from jobs.execution.settle import settle_pair
from jobs.execution.spool import AttemptDirectory
from jobs.models import Job
from jobs.states import EventKind, Evidence, Reason, State
from tests import making
from tests.jobs.execution import running
from tests.jobs.execution.conftest import Process
from tests.jobs.execution.test_agent import ENDED, link_ticket

pytestmark = pytest.mark.django_db


def placed(agent: NodeAgent) -> Job:
    return making.placed(script="#!/bin/sh\nexit 7\n", work_dir=str(agent.station.spool.path.parent))


def ended_before(agent: NodeAgent, job: Job, *, same: bool = False) -> AttemptDirectory:
    """What a job of this number has left here; or this one, when its row was older than its run."""
    directory = agent.station.directory_of(job)
    assert directory.make()
    directory.tell_job(job.submitted_at if same else job.submitted_at - timedelta(days=1))
    link_ticket(agent.station, job, Identity(agent.station.boot_id, 2**22, 1))
    (directory.path / "exit.json").write_text(json.dumps(asdict(ENDED)))
    directory.stdout.write_text("somebody else's\n")
    return directory


def begin(agent: NodeAgent, job: Job) -> bool:
    return runner._begin((job.pk, job.attempt), agent)


def fresh(job: Job) -> Job:
    job.refresh_from_db()
    return job


def test_f32_a_job_with_an_old_number_runs_itself_and_takes_nothing_of_the_old_one(agent: NodeAgent) -> None:
    """F32: what that one has left here is set aside."""
    job = placed(agent)
    directory = ended_before(agent, job)
    (settings.SCRATCH / str(job.pk)).mkdir(parents=True)
    assert begin(agent, job)
    assert running.outcome_of(directory).exit_code == 7
    assert running.said(directory) == ""
    assert not directory.is_of_another(job.submitted_at)
    assert directory.is_of_another(job.submitted_at + making.A_MOMENT)
    (aside,) = agent.station.spool.path.glob(f"{job.pk}.1.*")
    assert (aside / "stdout").read_text() == "somebody else's\n"
    assert not (settings.SCRATCH / str(job.pk)).exists()


def test_f32_a_job_with_an_old_number_waits_for_what_runs_of_the_old_one(
    agent: NodeAgent, marked: Callable[[str], Process]
) -> None:
    """F32: it is a stray, and is killed first; the message is sent again meanwhile."""
    job = placed(agent)
    process = marked(ended_before(agent, job).token)
    assert not begin(agent, job)
    assert Job.objects.placed().get() == job
    process.kill()
    process.wait()
    assert begin(agent, job)


def test_f32_a_job_that_had_run_when_its_row_had_not_is_not_run_again(agent: NodeAgent) -> None:
    """F32: its true result lies here, and is recorded."""
    job = placed(agent)
    ended_before(agent, job, same=True)
    assert not begin(agent, job)
    assert settle_pair(job.pk, job.attempt, agent.station)
    assert (fresh(job).state, job.exit_code) == (State.COMPLETED, 0)


def test_f32_what_an_old_job_has_left_is_told_of_no_other_and_stays(
    agent: NodeAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F32: the new one of its number ran elsewhere."""
    monkeypatch.setattr(settings, "SPOOL_RETENTION", timedelta())
    job = making.active()
    assert lifecycle.lose(job, Reason.NODE_FAIL, "lost", evidence=Evidence.NONE, actor="op")
    directory = ended_before(agent, job)
    tell_all(agent.station)
    Archive(agent.station).sweep()
    assert directory.exists()
    assert not job.events.filter(kind=EventKind.LATE_RESULT).exists()
