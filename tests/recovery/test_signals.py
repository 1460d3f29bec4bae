"""The sweeps of one worker: at its start two want to begin at once."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connections

from jobs.execution.signals import sweep_due
from jobs.execution.station import Station
from jobs.models import Job
from recovery import signals
from recovery.models import RecoveryAction
from recovery.result import Outcome
from tests import making
from tests.jobs.execution import running

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("broker")]


def test_two_sweeps_of_one_worker_never_look_at_the_same_job_side_by_side(station: Station) -> None:
    making.node(cpus=8)
    jobs = [running.claimed(station) for _ in range(8)]
    both = Barrier(2)

    def at_start() -> None:
        both.wait()
        signals._recover(station)

    def by_timer() -> None:
        both.wait()
        sweep_due.send(sender=object, station=station, trigger="timer", dry_run=False)
        connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        for sweep in [pool.submit(at_start), pool.submit(by_timer)]:
            sweep.result()
    assert Job.objects.queued().count() == len(jobs)
    assert [action.outcome for action in RecoveryAction.objects.all()] == [Outcome.RECOVERED] * len(jobs)
