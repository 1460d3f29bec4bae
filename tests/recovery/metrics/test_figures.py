"""/metrics: the platform in figures, that agree with its rows and name nobody."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from prometheus_client.parser import text_string_to_metric_families

from jobs import fleet, lifecycle
from jobs.models import ApiToken, Job, Node, NodeLease, ResourceAllocation
from jobs.models.clock import ClockTimestamp
from jobs.states import AllocationStatus, Service
from recovery.manager import RecoveryManager
from recovery.metrics import figures, promises, view
from scheduler.leader import Leader
from tests import making
from tests.outbox import Outbox
from tests.web import browser, operator, viewer

pytestmark = pytest.mark.django_db
Series = tuple[str, frozenset[tuple[str, str]]]


@pytest.fixture(autouse=True)
def _counted_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(promises, "KEPT_FOR", 0.0)
    monkeypatch.setattr(promises, "_stale_at", 0.0)
    monkeypatch.setattr(view, "PATIENCE_MS", 60_000)  # however slow the machine is under a test


def scrape() -> dict[Series, float]:
    """Each series and its value, as Prometheus reads them."""
    answer: Any = browser(viewer()).get("/metrics")
    assert answer.status_code == 200, answer.content
    families = text_string_to_metric_families(answer.content.decode())
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


def value(told: dict[Series, float], name: str, **labels: str) -> float:
    return told[name, frozenset(labels.items())]


def jobs(told: dict[Series, float], phase: str, state: str = "PENDING") -> float:
    return value(told, "jobsite_jobs", state=state, phase=phase, partition="default")


def test_the_queue_is_told_by_state_phase_and_partition_and_why_it_waits() -> None:
    making.node(cpus=8)
    for _ in range(3):
        making.queued()
    making.placed()
    making.active()
    making.ended()
    told = scrape()
    assert (jobs(told, "QUEUED"), jobs(told, "PLACED")) == (3, 1)
    assert (jobs(told, "ACTIVE", "RUNNING"), jobs(told, "STOPPING", "RUNNING")) == (1, 0)
    assert value(told, "jobsite_jobs_waiting", reason="NotConsideredYet") == 3
    assert value(told, "jobsite_jobs_ended_total", state="COMPLETED", reason="") == 1


def test_nodes_are_told_by_service_and_whether_they_are_heard_and_what_they_have_given() -> None:
    making.node(cpus=8, memory_mb=1024, gpus=2)
    silent = making.node("n2", cpus=1, memory_mb=1024)
    NodeLease.objects.filter(node=silent).update(lease_until=ClockTimestamp())
    assert fleet.ask_for(silent, Service.DRAIN, "disk", actor="op")
    making.active(cpus=3, memory_mb=512, gpus=1)
    told = scrape()
    assert [value(told, "jobsite_nodes", service=service) for service in Service] == [1, 1, 0, 0]
    assert value(told, "jobsite_nodes_unreachable") == 1
    amounts = [value(told, f"jobsite_{name}") for name in ("cpus", "memory_bytes", "gpus")]
    given = [value(told, f"jobsite_allocated_{name}") for name in ("cpus", "memory_bytes", "gpus")]
    assert (amounts, given) == ([9, 2**31, 2], [3, 2**29, 1])


def test_what_sweeps_have_mended_is_told_by_strategy_also_when_that_is_nothing(
    broker: object, outbox: Outbox
) -> None:
    making.placed()
    RecoveryManager().recover(making.past_grace())
    told = scrape()
    recovered = [
        value(told, "jobsite_recovered_jobs_total", strategy=strategy) for strategy in figures.STRATEGIES
    ]
    assert recovered == [1, 0, 0, 0]
    assert value(told, "jobsite_recovery_failures_total", strategy="OrphanJobRecoveryStrategy") == 0


def test_a_promise_that_is_broken_is_told_by_its_invariant() -> None:
    job = making.ended()
    healthy = scrape()
    assert {number for (name, _), number in healthy.items() if "violations" in name} == {0}
    ResourceAllocation.objects.filter(job=job).update(status=AllocationStatus.ALLOCATED, released_at=None)
    told = scrape()
    assert value(told, "jobsite_invariant_violations", invariant="I4") == 1
    assert value(told, "jobsite_invariant_violations", invariant="I5") == 0


def test_promises_are_looked_at_once_a_minute_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(promises, "KEPT_FOR", 60.0)
    promises.broken_promises()
    with CaptureQueriesContext(connection) as queries:
        promises.broken_promises()
    assert len(queries) == 0


def test_the_parts_of_which_there_is_one_say_when_they_were_last_alive() -> None:
    asleep = scrape()
    assert value(asleep, "jobsite_scheduler_leads") == 0
    assert not any(name == "jobsite_beat_age_seconds" for name, _ in asleep)
    assert Leader("test", timedelta(minutes=1)).campaign()
    told = scrape()
    assert value(told, "jobsite_scheduler_leads") == 1
    assert value(told, "jobsite_scheduler_age_seconds") >= 0
    assert value(told, "jobsite_scheduler_term") == value(asleep, "jobsite_scheduler_term") + 1


def test_no_job_no_user_and_no_node_is_named() -> None:
    job = making.active(name="a-private-name", owner=making.user("ana-private"))
    making.queued(name="another-private-name")
    answer: Any = browser(viewer()).get("/metrics")
    words = answer.content.decode()
    assert "private" not in words
    assert 'n1"' not in words
    assert f'"{job.pk}"' not in words


def test_a_part_that_cannot_be_read_keeps_none_of_the_others_back(monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(_: object) -> Any:
        raise OperationalError("canceling statement due to statement timeout")

    monkeypatch.setitem(figures.PARTS, "queue", slow)
    told = scrape()
    assert value(told, "jobsite_metrics_read", part="queue") == 0
    assert value(told, "jobsite_metrics_read", part="nodes") == 1
    assert not any(name == "jobsite_jobs" for name, _ in told)


def test_what_has_ended_costs_a_scrape_nothing() -> None:
    """The same statements for many ended jobs as for few, and none that reads them."""
    making.node(cpus=8)
    making.ended()
    client = browser(viewer())
    with CaptureQueriesContext(connection) as queries:
        client.get("/metrics")
    of_jobs = [query["sql"] for query in queries if "jobs_job" in query["sql"]]
    assert len(of_jobs) >= 4
    for statement in of_jobs:
        live = any(word in statement for word in ("DONE", "RELEASED", "QUEUED", "max(id)"))
        assert live, statement
        assert "jobs_jobevent" not in statement


def test_operators_and_viewers_read_it_by_session_or_token_and_nobody_else_does() -> None:
    plain = ApiToken.objects.issue(making.user("ana"), "t")
    ours = ApiToken.objects.issue(viewer(), "prometheus")
    statuses = [
        browser(operator()).get("/metrics").status_code,
        bearing(ours).status_code,
        browser(making.user("ana")).get("/metrics").status_code,
        bearing(plain).status_code,
        browser().get("/metrics").status_code,
        bearing("made-up").status_code,
        browser(operator()).post("/metrics").status_code,
    ]
    assert statuses == [200, 200, 403, 403, 401, 401, 405]


def bearing(token: str) -> Any:
    headers = {"authorization": f"Bearer {token}", "accept": "application/openmetrics-text;version=1.0.0"}
    return Client(headers=headers).get("/metrics")


def test_a_prometheus_is_answered_in_the_form_that_it_asks_for() -> None:
    answer = bearing(ApiToken.objects.issue(viewer(), "prometheus"))
    assert answer["Content-Type"].startswith("application/openmetrics-text")
    assert answer["Cache-Control"] == "no-store"
    assert answer.content.decode().endswith("# EOF\n")


def test_the_figures_never_fall_while_jobs_end() -> None:
    making.node(cpus=8)
    ends = []
    for _ in range(3):
        assert lifecycle.cancel(making.queued(), actor="ana")
        ends.append(value(scrape(), "jobsite_jobs_ended_total", state="CANCELLED", reason="Cancelled"))
    assert ends == [1, 2, 3]
    assert (Job.objects.count(), Node.objects.count()) == (3, 1)
