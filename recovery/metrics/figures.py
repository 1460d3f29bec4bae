"""One function for each part of the platform, read at one moment; each answers families of metrics."""

from collections import Counter as Sums
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db.models import Count
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from jobs import states
from jobs.models import Cluster, Counter, Job, Node, Partition, Tally
from jobs.states import Phase, Service
from recovery import beat
from recovery.metrics.promises import broken_promises
from recovery.models import RecoveryAlert
from recovery.result import Outcome
from recovery.strategies import (
    OrphanJobRecoveryStrategy,
    PendingJobRecoveryStrategy,
    StaleAllocationCleanupStrategy,
    TimeoutJobRecoveryStrategy,
)
from scheduler.models import SchedulerLease

Part = Callable[[datetime], Iterator[Metric]]

LIVE_STEPS: Final = (states.QUEUED, states.PLACED, states.STARTING, states.ACTIVE, states.STOPPING)
MEBIBYTE: Final = 2**20
STRATEGIES: Final = (
    PendingJobRecoveryStrategy.__name__,
    OrphanJobRecoveryStrategy.__name__,
    TimeoutJobRecoveryStrategy.__name__,
    StaleAllocationCleanupStrategy.__name__,
)
"""Those that have done nothing yet are told, too."""


def queue(moment: datetime) -> Iterator[Metric]:
    """What waits and runs."""
    del moment
    live = Job.objects.exclude(phase=Phase.DONE).order_by()
    counted = live.values_list("state", "phase", "reason", "partition__name").annotate(number=Count("pk"))
    by_step: Sums[tuple[str, str, str]] = Sums()
    by_reason: Sums[str] = Sums()
    for state, phase, reason, partition, number in counted:
        by_step[state, phase, partition] += number
        by_reason[reason] += number if phase == Phase.QUEUED else 0
    jobs = GaugeMetricFamily("jobsite_jobs", "Jobs that wait or run.", labels=["state", "phase", "partition"])
    for partition in Partition.objects.values_list("name", flat=True):
        for state, phase in LIVE_STEPS:
            jobs.add_metric([state, phase, partition], by_step[state, phase, partition])
    yield jobs
    reasons = GaugeMetricFamily(
        "jobsite_jobs_waiting", "Jobs without resources, by reason.", labels=["reason"]
    )
    for reason, number in by_reason.items():
        reasons.add_metric([reason], number)
    yield reasons


def nodes(moment: datetime) -> Iterator[Metric]:
    """The nodes, and what of them is given to jobs."""
    service = GaugeMetricFamily(
        "jobsite_nodes", "Nodes, by the worse of their own word and the operators'.", labels=["service"]
    )
    every = list(Node.objects.only("service", "wanted"))
    shown = Sums(str(node.shown_service) for node in every)
    for one in Service:
        service.add_metric([one], shown[one])
    yield service
    unreachable = len(every) - Node.objects.reachable(moment).count()
    yield _gauge("jobsite_nodes_unreachable", "Nodes whose agent has not been heard in time.", unreachable)
    cluster = Cluster.read()
    for name, total, given, unit in (
        ("cpus", cluster.total.cpus, cluster.given.cpus, 1),
        ("memory_bytes", cluster.total.memory_mb, cluster.given.memory_mb, MEBIBYTE),
        ("gpus", cluster.total.gpus, cluster.given.gpus, 1),
    ):
        yield _gauge(f"jobsite_{name}", "Of all nodes together.", total * unit)
        yield _gauge(f"jobsite_allocated_{name}", "Of these, given to jobs.", given * unit)


def ends(moment: datetime) -> Iterator[Metric]:
    """How jobs have ended, ever since there are jobs."""
    del moment
    ended = CounterMetricFamily(
        "jobsite_jobs_ended", "Jobs that have ended, by state and reason.", labels=["state", "reason"]
    )
    totals = Tally.objects.totals(Counter.ENDED)
    for (state, reason), number in {(states.COMPLETED.state, ""): 0, **totals}.items():
        ended.add_metric([state, reason], number)
    yield ended


def recovery(moment: datetime) -> Iterator[Metric]:
    """What sweeps have mended, and what they could not mend."""
    del moment
    totals = Tally.objects.totals(Counter.SWEPT)
    for name, outcome, says in (
        ("jobsite_recovered_jobs", Outcome.RECOVERED, "Jobs recovered, by strategy."),
        ("jobsite_recovery_failures", Outcome.FAILED, "Jobs that a sweep failed at, each time, by strategy."),
    ):
        family = CounterMetricFamily(name, says, labels=["strategy"])
        known = dict.fromkeys(STRATEGIES, 0) | {kind: 0 for kind, _ in totals}
        for strategy in known:
            family.add_metric([strategy], totals.get((strategy, outcome), 0))
        yield family


def alarm(moment: datetime) -> Iterator[Metric]:
    """What the admin's pages say on top."""
    del moment
    raised = RecoveryAlert.objects.filter(over_at=None).count()
    yield _gauge("jobsite_recovery_alert", "1: more jobs are recovered than the threshold allows.", raised)


def pulse(moment: datetime) -> Iterator[Metric]:
    """The parts of which there is one: when each was last alive."""
    lease = SchedulerLease.objects.get(pk=1)
    leads = lease.until > moment
    yield _gauge("jobsite_scheduler_leads", "1: a scheduler leads.", int(leads))
    yield _gauge("jobsite_scheduler_term", "Rises with each new leader.", lease.term)
    heard = max(moment - (lease.until - settings.SCHEDULER_LEASE), timedelta())
    yield _gauge(
        "jobsite_scheduler_age_seconds", "Since the leader last renewed its lease.", heard.total_seconds()
    )
    age = beat.age(moment)
    if age is not None:
        yield _gauge("jobsite_beat_age_seconds", "Since Celery Beat last sent its task.", age)


def promises(moment: datetime) -> Iterator[Metric]:
    """What `verify_invariants` would find in the rows of what is live."""
    del moment
    broken = GaugeMetricFamily(
        "jobsite_invariant_violations",
        "Rows against an invariant, as of the last minute; more than 0 is a fault of the platform.",
        labels=["invariant"],
    )
    for invariant, number in broken_promises().items():
        broken.add_metric([invariant], number)
    yield broken


PARTS: Final[dict[str, Part]] = {
    "queue": queue,
    "nodes": nodes,
    "ends": ends,
    "recovery": recovery,
    "alarm": alarm,
    "pulse": pulse,
    "promises": promises,
}


def _gauge(name: str, says: str, value: float) -> Metric:
    return GaugeMetricFamily(name, says, value=value)
