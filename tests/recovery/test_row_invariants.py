"""Each invariant of the rows is broken once by hand, and is seen to be broken."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import F

from jobs import lifecycle
from jobs.models import AllocatedGpu, Job, JobEvent, Node, ResourceAllocation
from jobs.models.clock import ClockTimestamp
from jobs.states import AllocationStatus, EventKind, Evidence, Hold, Phase, Reason, State
from recovery.invariants import verify
from recovery.invariants.rows import ROW_INVARIANTS
from tests import making

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("broker")]


def broken() -> set[str]:
    """The names of the invariants that do not hold."""
    return {violation.invariant for violation in verify()}


def twice(job: Job, kind: EventKind) -> None:
    """One of its events, a second time."""
    event = job.events.filter(kind=kind).get()
    event.pk = None
    event.save(force_insert=True)


def drop(constraint: str) -> None:
    """Take a CHECK away, for a row that the database itself refuses. Ends with the test's transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(f"ALTER TABLE jobs_job DROP CONSTRAINT {constraint}")  # one of ours, below


def take_again(job: Job) -> None:
    ResourceAllocation.objects.filter(job=job).update(status=AllocationStatus.RESERVED, released_at=None)


def an_attempt_started_twice() -> None:
    twice(making.active(), EventKind.STARTED)


def a_job_started_twice() -> None:
    twice(making.active(), EventKind.ACTIVE)


def a_final_job_holds_something() -> None:
    take_again(making.ended())


def a_queued_job_holds_something() -> None:
    job = making.placed()
    lifecycle.return_to_queue(job, "drained", actor="op")
    take_again(job)


def a_placed_job_holds_nothing() -> None:
    job = making.placed()
    held = ResourceAllocation.objects.filter(job=job)
    held.update(status=AllocationStatus.RELEASED, released_at=ClockTimestamp())


def a_running_job_holds_of_another_node() -> None:
    job = making.active()
    ResourceAllocation.objects.filter(job=job).update(node=making.node("n2"))


def a_running_job_holds_for_another_attempt() -> None:
    making.active()
    ResourceAllocation.objects.update(attempt=2)


def a_node_gave_more_cpus_than_it_has() -> None:
    making.active(cpus=2)
    Node.objects.update(cpus=1)


def a_node_gave_more_memory_than_it_has() -> None:
    making.active(memory_mb=2000)
    Node.objects.update(memory_mb=1999)


def a_gpu_is_free_though_its_allocation_is_not() -> None:
    making.node(gpus=1)
    making.active(gpus=1)
    AllocatedGpu.objects.update(released=True)


def something_happened_to_a_final_job() -> None:
    job = making.ended()
    done = {"from_state": job.state, "from_phase": job.phase, "to_state": job.state, "to_phase": job.phase}
    JobEvent.objects.create(job=job, actor="x", kind=EventKind.HELD, attempt=job.attempt, **done)


def an_attempt_fell() -> None:
    job = making.active()
    JobEvent.objects.filter(pk=max(job.events.values_list("pk", flat=True))).update(attempt=0)


def a_message_was_sent_without_its_number() -> None:
    Job.objects.filter(pk=making.placed().pk).update(dispatch_seq=1)


def a_number_will_be_given_again() -> None:
    """As after a restore of an older backup beside newer files."""
    job = making.queued()
    job.pk = 2**40
    job.save(force_insert=True)


def a_row_was_changed_without_an_event() -> None:
    job = making.active()
    Job.objects.filter(pk=job.pk).update(phase=Phase.STARTING)


def an_event_is_missing_between_two() -> None:
    making.active().events.filter(kind=EventKind.STARTED).delete()


def a_job_was_never_submitted() -> None:
    making.queued().events.all().delete()


def a_completed_job_has_another_code() -> None:
    """The database refuses it: job_completed_has_evidence."""
    job = making.ended(0)
    drop("job_completed_has_evidence")
    Job.objects.filter(pk=job.pk).update(exit_code=3)


def a_completed_job_has_no_code() -> None:
    """The database refuses it: job_completed_has_evidence."""
    job = making.ended(0)
    drop("job_completed_has_evidence")
    Job.objects.filter(pk=job.pk).update(exit_code=None)


def a_completed_job_has_no_evidence() -> None:
    """The database refuses it: job_completed_has_evidence."""
    job = making.ended(0)
    drop("job_completed_has_evidence")
    Job.objects.filter(pk=job.pk).update(evidence=Evidence.NONE)


def a_job_ended_before_it_started() -> None:
    job = making.ended()
    Job.objects.filter(pk=job.pk).update(ended_at=F("started_at") - timedelta(seconds=1))


def a_job_started_before_it_was_placed() -> None:
    job = making.active()
    Job.objects.filter(pk=job.pk).update(started_at=F("placed_at") - timedelta(seconds=1))


def a_job_was_placed_before_it_was_submitted() -> None:
    job = making.placed()
    Job.objects.filter(pk=job.pk).update(placed_at=F("submitted_at") - timedelta(seconds=1))


def a_job_waits_without_a_reason() -> None:
    job = making.queued()
    Job.objects.filter(pk=job.pk).update(reason=Reason.NONE)


BROKEN: list[tuple[str, Callable[[], None]]] = [
    ("I1", an_attempt_started_twice),
    ("I2", a_job_started_twice),
    ("I4", a_final_job_holds_something),
    ("I4", a_queued_job_holds_something),
    ("I5", a_placed_job_holds_nothing),
    ("I5", a_running_job_holds_of_another_node),
    ("I5", a_running_job_holds_for_another_attempt),
    ("I6", a_node_gave_more_cpus_than_it_has),
    ("I6", a_node_gave_more_memory_than_it_has),
    ("I6 (GPUs)", a_gpu_is_free_though_its_allocation_is_not),
    ("I9", something_happened_to_a_final_job),
    ("I10", an_attempt_fell),
    ("I10 (messages)", a_message_was_sent_without_its_number),
    ("I10 (numbers)", a_number_will_be_given_again),
    ("I12", a_row_was_changed_without_an_event),
    ("I12 (chain)", an_event_is_missing_between_two),
    ("I12 (first)", a_job_was_never_submitted),
    ("I14", a_completed_job_has_another_code),
    ("I14", a_completed_job_has_no_code),
    ("I14", a_completed_job_has_no_evidence),
    ("I16", a_job_ended_before_it_started),
    ("I16", a_job_started_before_it_was_placed),
    ("I16", a_job_was_placed_before_it_was_submitted),
    ("L1", a_job_waits_without_a_reason),
]


@pytest.mark.parametrize(("invariant", "break_it"), BROKEN)
def test_a_broken_invariant_is_reported(invariant: str, break_it: Callable[[], None]) -> None:
    """F43: each by rows that no transition makes."""
    assert broken() == set()
    break_it()
    assert invariant in broken()


def test_every_invariant_of_the_rows_is_broken_once_here() -> None:
    assert {name for name, _ in BROKEN} == set(ROW_INVARIANTS)


def test_jobs_in_every_step_that_got_there_by_lifecycle_break_none() -> None:
    making.node(cpus=16, gpus=2)
    for make in (making.queued, making.placed, making.starting, making.active, making.ended):
        make()
    making.active(gpus=2)
    lifecycle.cancel(making.active(), actor="ana")
    lifecycle.hold(making.queued(), Hold.USER, actor="ana")
    assert broken() == set()


@pytest.mark.parametrize("columns", [{"exit_code": 3}, {"exit_code": None}, {"evidence": Evidence.NONE}])
def test_the_database_itself_refuses_a_completed_job_without_code_0_and_evidence(
    columns: dict[str, object],
) -> None:
    job = making.ended(0)
    assert job.state == State.COMPLETED
    with pytest.raises(IntegrityError), transaction.atomic():
        Job.objects.filter(pk=job.pk).update(**columns)
