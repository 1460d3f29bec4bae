"""A job that ended long ago is forgotten with all that hangs on it, but never its number."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.urls import reverse

from jobs import fleet, lifecycle
from jobs.ending import Ending
from jobs.lifecycle import SeenLease, submit
from jobs.models import AllocatedGpu, Forgotten, Job, JobEvent, Node, NodeLease, ResourceAllocation
from jobs.models.clock import ClockTimestamp, database_now
from jobs.states import AllocationStatus, Reason, Service, Source
from recovery import ledger
from recovery.models import RecoveryAction
from recovery.result import Decision, Outcome, RecoveryResult
from tests import making
from tests.web import browser, operator, text_of

pytestmark = pytest.mark.django_db
A_YEAR = timedelta(days=365)


def forget(*, at: datetime | None = None, at_most: int = 100) -> int:
    """Whatever ended before this moment, which is in an instant where none is named."""
    return lifecycle.forget(at or database_now() + making.A_MOMENT, at_most=at_most)


def left() -> list[int]:
    return list(Job.objects.order_by("pk").values_list("pk", flat=True))


def test_a_job_goes_with_its_events_its_allocations_and_their_gpus() -> None:
    making.node(gpus=1)
    job, other = making.ended(gpus=1), making.queued()
    assert forget() == 1
    assert left() == [other.pk]
    assert not JobEvent.objects.filter(job_id=job.pk).exists()
    assert (ResourceAllocation.objects.count(), AllocatedGpu.objects.count()) == (0, 0)
    connection.check_constraints()
    assert Forgotten.objects.among([job.pk, other.pk, 10**9]) == {job.pk}


def test_the_number_of_a_forgotten_job_is_given_to_no_other() -> None:
    forgotten = making.ended()
    assert forget() == 1
    assert making.queued().pk > forgotten.pk


@pytest.mark.parametrize("make", [making.queued, making.placed, making.starting, making.active])
def test_a_job_that_has_not_ended_is_never_forgotten(make: Callable[[], Job]) -> None:
    job = make()
    assert forget(at=database_now() + A_YEAR) == 0
    assert left() == [job.pk]


def test_a_job_that_is_to_be_stopped_is_not_forgotten() -> None:
    assert lifecycle.cancel(making.active(), actor="ana")
    assert forget(at=database_now() + A_YEAR) == 0


def test_a_job_is_kept_for_its_time_and_a_clock_that_is_set_back_only_lengthens_that() -> None:
    job = making.ended()
    assert job.ended_at is not None
    assert [forget(at=job.ended_at - span) for span in (A_YEAR, timedelta())] == [0, 0]
    assert forget(at=job.ended_at + timedelta(microseconds=1)) == 1


def test_a_job_that_still_holds_resources_is_kept_until_recovery_has_released_them() -> None:
    job = making.ended()
    ResourceAllocation.objects.update(status=AllocationStatus.ALLOCATED, released_at=None)
    assert forget() == 0
    ResourceAllocation.objects.update(status=AllocationStatus.RELEASED, released_at=ClockTimestamp())
    assert (forget(), left()) == (1, [])
    assert Forgotten.objects.among([job.pk]) == {job.pk}


def give_up(job: Job) -> None:
    """Others have settled it, since its node is silent; and the node is out of service."""
    NodeLease.objects.update(lease_until=ClockTimestamp())
    lease = SeenLease(*NodeLease.objects.values_list("node_id", "incarnation", "lease_until").get())
    assert lifecycle.give_up(job, lease, "silent", actor="recovery")


@pytest.mark.parametrize("make", [making.starting, making.active])
def test_what_a_lost_node_may_still_have_is_kept_until_the_node_has_accounted_for_it(
    make: Callable[[], Job],
) -> None:
    """Its row is final, and its result lies on the node, or its attempt may start yet."""
    job = make()
    give_up(job)
    assert forget(at=database_now() + A_YEAR) == 0
    node = Node.objects.get()
    assert fleet.set_service(node, Service.RECONCILING, "", fleet.AGENT)
    assert forget(at=database_now() + A_YEAR) == 0
    assert fleet.set_service(node, Service.UP, "", fleet.AGENT)
    assert forget() == 1


def test_what_a_lost_node_had_told_of_before_is_forgotten_as_usual() -> None:
    making.node(cpus=8)
    told, lost = making.ended(), making.active()
    give_up(lost)
    assert (forget(), left()) == (1, [lost.pk])
    assert Forgotten.objects.among([told.pk]) == {told.pk}


def test_no_more_than_a_batch_is_forgotten_at_once_and_the_oldest_go_first() -> None:
    making.node(cpus=8)
    jobs = [making.active() for _ in range(3)]
    for job in (jobs[2], jobs[0], jobs[1]):
        assert lifecycle.finish(
            job, Ending(exit_code=0, exit_signal=None, cause=None, launch_error=None), actor="n1"
        )
    seen = []
    for _ in range(3):
        assert forget(at_most=1) == 1
        seen.append(left())
    assert seen == [[jobs[0].pk, jobs[1].pk], [jobs[1].pk], []]


def test_jobs_that_must_stay_never_keep_later_ones_from_being_forgotten() -> None:
    making.node(cpus=8)
    stays, goes = making.ended(), making.ended()
    ResourceAllocation.objects.filter(job=stays).update(status=AllocationStatus.ALLOCATED, released_at=None)
    assert (forget(at_most=1), left()) == (1, [stays.pk])
    assert Forgotten.objects.among([goes.pk]) == {goes.pk}


def test_forgotten_numbers_in_a_row_are_one_range_however_many_they_are() -> None:
    Forgotten.objects.add_all(range(1, 500))
    Forgotten.objects.add_all([1000, 2000])
    Forgotten.objects.add_all(range(500, 1000))
    with connection.cursor() as cursor:
        cursor.execute("SELECT numbers::text FROM jobs_forgotten")
        assert cursor.fetchall() == [("{[1,1001),[2000,2001)}",)]
    assert Forgotten.objects.among([1, 777, 1001, 2000]) == {1, 777, 2000}


def test_a_rerun_stays_as_it_is_when_its_first_run_is_forgotten() -> None:
    first = making.ended()
    again, _ = submit(making.spec(), first.owner, source=Source.WEB, rerun_of=first)
    assert forget() == 1
    page: Any = browser(first.owner).get(reverse("job", args=[again.pk]))
    assert (page.status_code, f"/jobs/{first.pk}/" in text_of(page)) == (200, True)
    again.refresh_from_db()
    assert again.rerun_of_id == first.pk
    gone: Any = browser(first.owner).get(reverse("job", args=[first.pk]))
    assert gone.status_code == 404


def test_the_ledger_outlives_the_job_that_it_tells_of() -> None:
    job = making.ended()
    decision = Decision(strategy="S", job=job.pk, attempt=1, found="lost", outcome=Outcome.RECOVERED)
    ledger.keep(RecoveryResult(started_at=database_now(), decisions=[decision]), trigger="timer", node="n1")
    assert forget() == 1
    action = RecoveryAction.objects.get()
    person = operator()
    person.is_staff = True
    person.save()
    for address in ("recoveryaction_changelist", "recoveryaction_change", "recoveryrun_change"):
        chosen = {"recoveryaction_change": [action.pk], "recoveryrun_change": [action.run_id]}.get(
            address, []
        )
        page = browser(person).get(reverse(f"admin:recovery_{address}", args=chosen))
        assert str(job.pk) in text_of(page)


def test_a_late_word_about_a_forgotten_job_changes_nothing() -> None:
    job = making.ended()
    assert forget() == 1
    assert not lifecycle.lose(job, Reason.NODE_FAIL, "late", evidence=job.evidence, actor="n1")  # type: ignore[arg-type]
    assert not lifecycle.note(job.pk, "late result", "late", actor="n1")  # type: ignore[arg-type]
    assert JobEvent.objects.count() == 0
