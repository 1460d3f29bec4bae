"""A dry run tells what a sweep would do, and changes nothing else: not a row, not a message, not a file."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.db.models import F

from jobs import fleet, lifecycle, messages
from jobs.execution.agent import NodeAgent
from jobs.execution.station import Station
from jobs.execution.sweeps import Wish
from jobs.lifecycle import Identities, Placing
from jobs.models import AllocatedGpu, Job, Node, NodeLease, Partition, ResourceAllocation
from jobs.models.clock import database_now, from_now
from jobs.states import AllocationStatus, Service
from recovery import lost_nodes
from recovery.lost_nodes import Silences
from recovery.manager import RecoveryManager
from recovery.models import RecoveryAction, RecoveryRun
from tests import making
from tests.jobs.execution import running
from tests.jobs.execution.conftest import agent
from tests.recovery.test_timeout import frozen, long_after

__all__ = ["agent"]

pytestmark = pytest.mark.django_db
LEDGER = {"recovery_recoveryrun", "recovery_recoveryaction"}
PENDING, ORPHAN = "PendingJobRecoveryStrategy", "OrphanJobRecoveryStrategy"
TIMEOUT, STALE = "TimeoutJobRecoveryStrategy", "StaleAllocationCleanupStrategy"
LONG_AGO = -making.A_MOMENT * 3600


def rows() -> dict[str, list[str]]:
    """Every row of every table but the ledger's own, as the database writes it."""
    with connection.cursor() as cursor:
        tables = set(connection.introspection.table_names(cursor)) - LEDGER
        found = {}
        for table in tables:
            cursor.execute(f'SELECT t::text FROM "{table}" t ORDER BY 1')  # noqa: S608 - a table of ours
            found[table] = [row[0] for row in cursor.fetchall()]
    return found


def files(top: Path) -> list[tuple[str, int, int]]:
    """Every file below, with what a change to it would move."""
    paths = [Path(folder) / name for folder, _, names in os.walk(top) for name in (*names, ".")]
    return [(str(path), path.lstat().st_mtime_ns, path.lstat().st_size) for path in sorted(paths)]


def started_on(node: Node, **changes: Any) -> Job:
    """A job that another node has claimed."""
    job = making.queued(**changes)
    with transaction.atomic():
        assert lifecycle.place([Placing(job, node.pk, ())], database_now()) == [job]
    assert lifecycle.start(job, boot_id="b", spool_id="s", actor=node.name)
    return job


def lose_a_node() -> tuple[Job, Job]:
    """An operator says that n2 is down, and it is silent: a job of it is given up, another runs again."""
    node = making.node("n2", cpus=8)
    jobs = started_on(node), started_on(node, requeue=True)
    NodeLease.objects.filter(node=node).update(lease_until=from_now(LONG_AGO))
    assert fleet.ask_for(node, Service.DOWN, "on fire", actor="op")
    return jobs


def ran(station: Station, **claim: str) -> Job:
    """Its row knows processes that do not live, and it has no ticket: they are lost, or of another boot."""
    job = running.claimed(station)
    assert station.directory_of(job).make()
    assert lifecycle.activate(job, Identities(2**22, 1, 2**22, 2), note="", actor="n1")
    ResourceAllocation.objects.filter(job=job).update(**claim)
    return job


def buried(station: Station) -> Job:
    """Its return to the queue was interrupted."""
    job = running.claimed(station)
    assert station.directory_of(job).make()
    station.directory_of(job).bury()
    return job


def ended_unseen(station: Station) -> Job:
    """It has ended while nobody listened."""
    job = running.active(station, "exit 7")
    running.outcome_of(station.directory_of(job))
    return job


def expired(make: Callable[..., Job]) -> Job:
    """It waits for longer than its partition allows."""
    impatient, _ = Partition.objects.get_or_create(name="impatient", max_pending=making.A_MOMENT)
    impatient.nodes.set(Node.objects.all())
    job = make(partition="impatient")
    Job.objects.filter(pk=job.pk).update(eligible_at=from_now(LONG_AGO))
    return job


def taken(job: Job) -> Job:
    """It holds resources that it has no right to."""
    held = ResourceAllocation.objects.filter(job=job)
    assert held.update(status=AllocationStatus.ALLOCATED, released_at=None) == 1
    return job


def returned() -> Job:
    """A job that was placed, and waits again."""
    job = making.placed()
    assert lifecycle.return_to_queue(job, "drained", actor="op")
    return job


def leaking() -> Job:
    """Its allocation is released, and a GPU of it is not."""
    job = making.ended(gpus=1)
    AllocatedGpu.objects.filter(allocation__job=job).update(released=False)
    return job


def overdue(station: Station) -> Job:
    """Its limit and every grace are over, and its wrapper does nothing."""
    job = frozen(station)
    late = long_after(job) - database_now()
    Job.objects.filter(pk=job.pk).update(limit_at=F("limit_at") - late)
    return job


def trouble(station: Station) -> list[tuple[str, str, int]]:
    """A job of each kind of trouble, with the strategy and the action that mends it."""
    well = making.placed()  # its message is there: it is left alone
    messages.publish(well.pk, 1, "n1")
    given_up, again = lose_a_node()
    made: list[tuple[str, str, Job]] = [
        (PENDING, "T4: send its message again", making.placed()),
        (PENDING, "T6: expire", expired(making.placed)),
        (PENDING, "T6: expire", expired(making.queued)),
        (
            ORPHAN,
            "T9: record its start, or ask again for its end",
            running.launched(station),
        ),
        (ORPHAN, "T10: record its end", ended_unseen(station)),
        (ORPHAN, "T16: link the tombstone, queue it again", running.claimed(station)),
        (ORPHAN, "T16: queue it again", buried(station)),
        (ORPHAN, "T17: record that its supervisor is lost", ran(station)),
        (ORPHAN, "T18: record that its node was restarted", ran(station, boot_id="another")),
        (ORPHAN, "T19: give it up", given_up),
        (ORPHAN, "T20: queue it again", again),
        (TIMEOUT, "kill, then record", overdue(station)),
        (STALE, "release", taken(making.ended())),
        (STALE, "release", taken(returned())),
        (STALE, "release", leaking()),
    ]
    return [(strategy, action, job.pk) for strategy, action, job in made]


def told(run: RecoveryRun) -> dict[str, list[tuple[str, str, int]]]:
    """What the ledger says was decided, by the outcome."""
    by_outcome: dict[str, list[tuple[str, str, int]]] = {}
    kept = run.actions.values_list("strategy", "action", "job_id", "outcome")
    for strategy, action, job, outcome in kept:
        by_outcome.setdefault(outcome, []).append((strategy, action, job))
    return {outcome: sorted(decisions) for outcome, decisions in by_outcome.items()}


@pytest.fixture
def sick(agent: NodeAgent, broker: Any, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, int]]:
    """Everything that can be wrong with a job, and every grace of it is over."""
    making.node(cpus=32, gpus=1)
    made = trouble(agent.station)
    monkeypatch.setattr("recovery.manager.database_now", making.past_grace)
    patience = settings.REQUEUE_AFTER.total_seconds()
    clock = iter([0.0, 0.0, 0.6 * patience, *[1.2 * patience] * 9])
    silences = Silences(lambda: next(clock))
    for _ in range(2):
        silences.look(database_now())
    monkeypatch.setattr(lost_nodes.SILENCES, "look", silences.look)
    return sorted(made)


def test_a_dry_run_tells_of_each_kind_of_trouble_and_changes_nothing_and_a_sweep_then_does_that(
    sick: list[tuple[str, str, int]], agent: NodeAgent, broker: Any
) -> None:
    def world() -> tuple[object, ...]:
        spool = agent.station.spool.path
        return rows(), files(spool), {key: broker.dump(key) for key in broker.scan_iter()}

    before = world()
    agent._station_sweep(Wish("operator", dry_run=True))
    assert world() == before
    rehearsed = RecoveryRun.objects.get()
    assert told(rehearsed)["recoverable"] == sick
    assert set(told(rehearsed)) == {"recoverable", "skipped"}
    assert (rehearsed.dry_run, rehearsed.recovered, rehearsed.failed) == (True, len(sick), 0)
    assert set(RecoveryAction.objects.values_list("dry_run", flat=True)) == {True}
    assert not RecoveryAction.objects.filter(evidence={}).exists()
    lost = RecoveryAction.objects.get(action__startswith="T17").evidence
    assert (lost["same_spool"], lost["same_boot"], lost["ticket"]) == (True, True, "none")
    assert (lost["wrapper_alive"], lost["process_alive"], lost["has_outcome"]) == (False, False, False)
    RecoveryManager(agent.station).recover(trigger="operator")
    assert told(RecoveryRun.objects.latest("pk"))["recovered"] == sick
    assert world() != before


def test_a_dry_run_wakes_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """A scheduler that is woken places jobs."""
    making.queued()
    woken: list[bool] = []
    monkeypatch.setattr(messages, "wake_scheduler", lambda: woken.append(True))
    RecoveryManager().recover(dry_run=True)
    assert woken == []
    RecoveryManager().recover()
    assert woken == [True]
