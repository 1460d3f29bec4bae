"""StaleAllocationCleanupStrategy: what nobody holds by right is released, and an alarm is raised."""

import logging

import pytest
from django.conf import settings
from django.db import transaction

from jobs import lifecycle
from jobs.models import AllocatedGpu, Job, ResourceAllocation
from jobs.models.clock import database_now
from jobs.states import AllocationStatus
from recovery.result import Outcome
from recovery.strategies import StaleAllocationCleanupStrategy
from tests import making

pytestmark = pytest.mark.django_db


def take_again(job: Job, attempt: int = 1) -> ResourceAllocation:
    """What a bug or a restored backup would leave."""
    taken = ResourceAllocation.objects.filter(job=job, attempt=attempt)
    assert taken.update(status=AllocationStatus.ALLOCATED, released_at=None) == 1
    AllocatedGpu.objects.filter(allocation__in=taken).update(released=False)
    return taken.get()


def sweep(*, dry_run: bool = False) -> dict[int, Outcome]:
    now = database_now() + settings.STALE_GRACE + making.A_MOMENT
    decisions = StaleAllocationCleanupStrategy().sweep(now, dry_run=dry_run)
    return {decision.job: decision.outcome for decision in decisions}


def test_what_an_ended_job_still_holds_is_released_with_an_event_and_an_alarm(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """F43: no transition leaves one; a hand in the database did."""
    making.node(gpus=1)
    job = making.ended(gpus=1)
    take_again(job)
    with caplog.at_level(logging.ERROR):
        assert sweep() == {job.pk: Outcome.RECOVERED}
    assert making.held_by(job) == []
    assert making.placed(gpus=1).phase == "PLACED"
    assert list(job.events.values_list("kind", flat=True))[-1] == "allocation mended"
    assert f"of job {job.pk} was left taken" in caplog.text
    assert sweep() == {}


def test_what_a_queued_job_still_holds_is_released() -> None:
    job = making.placed()
    assert lifecycle.return_to_queue(job, "drained", actor="op")
    take_again(job)
    assert sweep() == {job.pk: Outcome.RECOVERED}
    assert making.held_by(job) == []


def test_what_an_earlier_attempt_still_holds_is_released_and_the_present_one_keeps_its_own() -> None:
    node = making.node(gpus=2)
    job = making.placed(gpus=1)
    assert lifecycle.return_to_queue(job, "drained", actor="op")
    with transaction.atomic():
        assert lifecycle.place([lifecycle.Placing(job, node.pk, (1,))], database_now())
    AllocatedGpu.objects.filter(index=0).update(released=False)
    assert sweep() == {job.pk: Outcome.RECOVERED}
    assert AllocatedGpu.objects.get(released=False).index == 1
    assert [held.attempt for held in making.held_by(job)] == [2]


def test_what_is_held_for_an_attempt_that_is_not_the_jobs_is_released() -> None:
    job = making.placed()
    ResourceAllocation.objects.filter(job=job).update(attempt=7)
    assert sweep() == {job.pk: Outcome.RECOVERED}
    assert making.held_by(job) == []


def test_a_gpu_that_was_left_taken_under_a_released_allocation_is_released() -> None:
    making.node(gpus=1)
    job = making.ended(gpus=1)
    AllocatedGpu.objects.update(released=False)
    assert sweep(dry_run=True) == {job.pk: Outcome.RECOVERABLE}
    assert sweep() == {job.pk: Outcome.RECOVERED}
    assert making.placed(gpus=1).phase == "PLACED"
    assert list(job.events.values_list("kind", flat=True))[-1] == "allocation mended"
    assert sweep() == {}


@pytest.mark.parametrize("make", [making.placed, making.starting, making.active])
def test_what_is_held_by_right_is_left_alone(make: object) -> None:
    job = make()  # type: ignore[operator]
    assert sweep() == {}
    assert len(making.held_by(job)) == 1


def test_a_job_that_has_just_ended_is_given_a_grace() -> None:
    take_again(making.ended())
    assert StaleAllocationCleanupStrategy().sweep(database_now(), dry_run=False) == []


def test_a_dry_run_releases_nothing() -> None:
    job = making.ended()
    take_again(job)
    assert sweep(dry_run=True) == {job.pk: Outcome.RECOVERABLE}
    assert len(making.held_by(job)) == 1


def test_two_sweeps_that_found_the_same_release_it_once() -> None:
    job = making.ended()
    stale = take_again(job)
    strategy = StaleAllocationCleanupStrategy()
    assert (strategy.mend(stale), strategy.mend(stale)) == (True, False)
    assert list(job.events.values_list("kind", flat=True)).count("allocation mended") == 1
