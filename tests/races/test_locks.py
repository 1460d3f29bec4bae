"""Somebody keeps rows locked, or takes the same locks in another order: the others go on."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import Any

import psycopg
import pytest
from django.conf import settings as configured
from django.db import DatabaseError, OperationalError, connection, transaction
from psycopg import sql
from pytest_django import Settings

from jobs import lifecycle
from jobs.contention import RowBusyError
from jobs.models import Job, Node, NodeLease
from jobs.models.clock import ClockTimestamp
from jobs.states import Hold, Reason, State
from scheduler.cycle import run_pass
from scheduler.leader import Leader
from tests import making
from tests.eventually import eventually
from tests.outbox import Outbox
from tests.races.duel import at_once, elsewhere, somebody_waits
from tests.web import browser, text_of

pytestmark = [pytest.mark.races, pytest.mark.django_db(transaction=True)]

PATIENT_MS = "10000"


@pytest.fixture
def impatient(settings: Settings) -> Iterator[None]:
    settings.LOCK_PATIENCE = timedelta(seconds=0.8)
    connection.close()  # the next session is told
    yield
    connection.close()


@pytest.fixture
def leader() -> Leader:
    made = Leader("tests", timedelta(minutes=1))
    assert made.campaign()
    return made


@contextmanager
def locked(*rows: Job | Node) -> Iterator["psycopg.Connection[Any]"]:
    """Somebody has these rows of one table locked and goes to lunch."""
    table = sql.Identifier(rows[0]._meta.db_table)
    query = sql.SQL("SELECT 1 FROM {} WHERE id = ANY(%s) ORDER BY id FOR UPDATE").format(table)
    with psycopg.connect(configured.LISTEN_DATABASE_URL) as somebody:
        somebody.execute(query, [[row.pk for row in rows]])
        yield somebody


def silence(name: str) -> None:
    assert NodeLease.objects.filter(node__name=name).update(lease_until=ClockTimestamp()) == 1


def test_f26_a_locked_job_keeps_no_other_from_its_place(leader: Leader, outbox: Outbox) -> None:
    """F26: it is placed as soon as nobody has it locked."""
    making.node(cpus=3)
    jobs = [making.queued() for _ in range(3)]
    with locked(jobs[1]):
        assert run_pass(leader).placed == 2
        assert set(Job.objects.placed()) == {jobs[0], jobs[2]}
    assert run_pass(leader).placed == 1


def test_f26_a_placed_job_that_is_locked_keeps_no_other_from_its_place(
    impatient: None, leader: Leader, outbox: Outbox
) -> None:
    """F26: its worker's machine died in the claim; it is taken back when nobody has it locked."""
    stuck, beside, job = making.placed(), making.placed(), making.queued()
    silence("n1")
    making.node("n2")
    with locked(stuck):
        report = run_pass(leader)
        assert (report.returned, report.placed) == (1, 2)
        assert set(Job.objects.placed().filter(node__name="n2")) == {beside, job}
    assert run_pass(leader).returned == 1


def test_f26_a_locked_node_keeps_no_job_from_a_place_on_another(
    impatient: None, leader: Leader, outbox: Outbox
) -> None:
    """F26: what was meant for it is placed by a later pass."""
    nodes = [making.node(name, cpus=1) for name in ("n1", "n2")]
    for _ in nodes:
        making.queued()
    with locked(nodes[0]):
        assert run_pass(leader).placed == 1
        assert Job.objects.placed().get().node == nodes[1]
    assert run_pass(leader).placed == 1


def test_f26_a_job_that_is_locked_before_its_message_is_sent_keeps_no_other_from_its_message(
    impatient: None, outbox: Outbox
) -> None:
    """F26: recovery sends it after the grace. Neither is anything said of it that waits for the lock."""
    jobs = [making.placed(), making.placed()]
    with locked(jobs[0]):
        assert [lifecycle.dispatch(job) for job in jobs] == [False, True]
        assert lifecycle.await_broker(jobs) == 1
    assert outbox.pairs() == [(jobs[1].pk, 1)]
    assert lifecycle.dispatch(jobs[0])


def fall_silent_over(job: Job, until: Callable[[], object]) -> None:
    """Lock it, and ask nothing more of the database until that."""
    with transaction.atomic():
        Job.objects.select_for_update().get(pk=job.pk)
        until()
        Job.objects.exists()


def test_f26_what_somebody_has_locked_who_fell_silent_is_free_again(settings: Settings) -> None:
    """F26: its machine has lost power, or it is stopped: the database ends its session."""
    settings.IDLE_PATIENCE = timedelta(seconds=0.5)
    job = making.queued()
    connection.close()  # the next session is told

    def until_cancelled() -> None:
        with elsewhere(lambda: lifecycle.cancel(job, actor="ana")) as cancelled:
            assert cancelled.result(timeout=10)

    with pytest.raises(DatabaseError, match="idle-in-transaction timeout"):
        fall_silent_over(job, until_cancelled)
    connection.close()


def test_f26_a_locked_job_keeps_no_other_from_hearing_why_it_waits(leader: Leader) -> None:
    """F26: its own reason is written later."""
    making.node(cpus=1)
    jobs = [making.queued(cpus=2) for _ in range(3)]
    with locked(jobs[1]):
        run_pass(leader)
        assert set(Job.objects.exclude(reason=Reason.NOT_CONSIDERED_YET)) == {jobs[0], jobs[2]}
    run_pass(leader)
    assert not Job.objects.filter(reason=Reason.NOT_CONSIDERED_YET).exists()


def test_f26_who_wants_a_locked_job_is_told_so_in_the_end(impatient: None) -> None:
    """F26: nothing was changed, and nobody waited longer than two patiences."""
    job = making.queued()
    with locked(job), pytest.raises(RowBusyError, match="Somebody else has had this locked"):
        lifecycle.cancel(job, actor="ana")
    assert Job.objects.queued().get() == job
    assert lifecycle.cancel(job, actor="ana")


def waiting_transactions() -> list[tuple[str]]:
    """Those that wait for a lock."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT virtualtransaction FROM pg_locks WHERE NOT granted")
        found: list[tuple[str]] = cursor.fetchall()
        return found


def test_f26_a_lock_that_is_given_back_in_time_costs_only_time(impatient: None) -> None:
    """F26: the first wait was in vain, and the second was not."""
    job = making.queued()
    with locked(job) as somebody, elsewhere(lambda: lifecycle.cancel(job, actor="ana")) as cancelled:
        first = eventually(waiting_transactions, what="the first try")
        eventually(lambda: waiting_transactions() not in ([], first), what="the second")
        somebody.rollback()
        assert cancelled.result(timeout=10)


def test_f26_inside_anothers_transaction_the_wait_is_that_ones_to_begin_again(impatient: None) -> None:
    """F26: a transaction that PostgreSQL has given up cannot go on."""
    job = making.queued()
    with locked(job), pytest.raises(OperationalError), transaction.atomic():
        lifecycle.cancel(job, actor="ana")


def takes_the_other_order(job: Job) -> None:
    """First what the job holds and then its row, by somebody whom PostgreSQL lets win."""
    with psycopg.connect(configured.LISTEN_DATABASE_URL) as somebody:
        somebody.execute("SELECT set_config('deadlock_timeout', %s, false)", [PATIENT_MS])
        somebody.execute("SELECT 1 FROM jobs_resourceallocation WHERE job_id = %s FOR UPDATE", [job.pk])
        eventually(somebody_waits, what="the other one at this lock")
        somebody.execute("SELECT 1 FROM jobs_job WHERE id = %s FOR UPDATE", [job.pk])


def is_taken(job: Job) -> bool:
    """Somebody has the job's allocation locked."""
    with transaction.atomic():
        return not job.allocations.select_for_update(skip_locked=True).exists()


def test_f27_who_loses_a_deadlock_begins_again_and_nobody_hears_of_it(outbox: Outbox) -> None:
    """F27: PostgreSQL ends one of two; what its caller holds in memory is as before the first try."""
    making.node(cpus=8)
    job = making.placed()
    with elsewhere(lambda: takes_the_other_order(job)) as other:
        eventually(lambda: is_taken(job), what="the other one's first lock")
        assert lifecycle.return_to_queue(job, "of a test", actor="ana")
    assert other.result() is None
    assert Job.objects.queued().get() == job


def test_f27_eight_writers_of_the_same_rows_surface_no_error(outbox: Outbox) -> None:
    """F27: holds, releases and cancels in all orders; each job is cancelled by exactly one of them."""
    jobs = [making.queued() for _ in range(12)]
    orders = [jobs[turn:] + jobs[:turn] if turn % 2 else jobs[::-1] for turn in range(8)]

    def write(turn: int, order: list[Job]) -> int:
        cancelled = 0
        for seen in order:
            job = Job.objects.get(pk=seen.pk)
            lifecycle.hold(job, Hold.USER, actor=f"writer {turn}")
            lifecycle.release(job, actor=f"writer {turn}")
            cancelled += lifecycle.cancel(job, actor=f"writer {turn}")
        return cancelled

    assert sum(at_once(*[partial(write, *one) for one in enumerate(orders)])) == len(jobs)
    assert Job.objects.filter(state=State.CANCELLED).count() == len(jobs)


def test_f26_a_page_that_needs_a_locked_row_says_so_and_when_to_come_again(impatient: None) -> None:
    """F26: 503, in the look of the pages, and not the number of a fault of ours."""
    job = making.queued()
    with locked(job):
        answer = browser(job.owner, raise_request_exception=False).post(f"/jobs/{job.pk}/cancel/")
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert "Somebody else has had this locked" in text_of(answer)
