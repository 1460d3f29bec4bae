"""Every page of the admin: who sees it, that it changes nothing, and that it stays quick."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib import admin
from django.db import connection, models
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from jobs import fleet
from jobs.models import (
    ApiToken,
    Job,
    JobEvent,
    Node,
    NodeEvent,
    Partition,
    ResourceAllocation,
)
from jobs.states import Service
from recovery import ledger
from recovery.models import RecoveryAction, RecoveryRun
from recovery.result import Decision, Outcome, RecoveryResult
from scheduler.models import SchedulerLease
from tests import making
from tests.web import browser, text_of

pytestmark = pytest.mark.django_db

READ = [
    Job,
    ResourceAllocation,
    Node,
    JobEvent,
    NodeEvent,
    ApiToken,
    RecoveryRun,
    RecoveryAction,
    SchedulerLease,
]
OURS = [*READ, Partition]
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def job(db: None) -> Job:
    """One of everything."""
    made = making.ended(3, name="<script>alert(1)</script>", environment={"KEY": "a secret"})
    ApiToken.objects.issue(made.owner, "laptop")
    fleet.ask_for(Node.objects.get(), Service.DRAIN, "disk", actor="op")
    decision = Decision(strategy="S", job=made.pk, attempt=1, found="lost", outcome=Outcome.RECOVERED)
    ledger.keep(RecoveryResult(started_at=NOW, decisions=[decision]), trigger="timer", node="n1")
    return made


def name_of(model: type[models.Model]) -> str:
    return f"{model._meta.app_label}_{model._meta.model_name}"


def changelist(model: type[models.Model]) -> str:
    return reverse(f"admin:{name_of(model)}_changelist")


def page(model: type[models.Model]) -> str:
    first = model._default_manager.first()
    assert first is not None
    return reverse(f"admin:{name_of(model)}_change", args=[first.pk])


def test_every_model_of_ours_that_the_admin_knows_is_tested_here() -> None:
    apps = {"jobs", "scheduler", "recovery"}
    assert {model for model in admin.site._registry if model._meta.app_label in apps} == set(OURS)


@pytest.fixture(params=["operator", "superuser"])
def client(request: pytest.FixtureRequest) -> Any:
    return request.getfixturevalue(request.param)


@pytest.mark.parametrize("model", OURS)
def test_lists_and_pages_are_shown(client: Client, model: type[models.Model]) -> None:
    for address in (changelist(model), page(model), f"{changelist(model)}?q=1", f"{changelist(model)}?q=ana"):
        answer = client.get(address)
        assert answer.status_code == 200, address


def test_the_front_page_leads_to_flower_and_the_history(client: Client) -> None:
    text = text_of(client.get(reverse("admin:index")))
    assert "http://127.0.0.1:5555/" in text
    assert changelist(Job) in text


@pytest.mark.parametrize("model", READ)
def test_nothing_is_added_changed_or_deleted_by_hand(client: Client, model: type[models.Model]) -> None:
    before = list(model._default_manager.values())
    columns = {field.name: "1" for field in model._meta.fields}
    add, delete = page(model).replace("/change/", "/delete/"), f"{changelist(model)}add/"
    refused = [delete] if model is ApiToken else [add, delete]
    for address in [page(model), *refused]:
        assert client.post(address, {**columns, "post": "yes"}).status_code == 403, address
    assert list(model._default_manager.values()) == before


def test_to_delete_a_token_is_to_revoke_it(operator: Client) -> None:
    operator.post(page(ApiToken).replace("/change/", "/delete/"), {"post": "yes"})
    assert not ApiToken.objects.exists()


def test_a_token_shows_neither_itself_nor_its_hash(client: Client) -> None:
    digest = ApiToken.objects.get().digest
    for address in (changelist(ApiToken), page(ApiToken)):
        assert digest not in text_of(client.get(address))


def test_a_jobs_page_shows_the_names_of_its_variables_and_not_what_they_hold(
    client: Client, job: Job
) -> None:
    text = text_of(client.get(page(Job)))
    assert "KEY" in text
    assert "a secret" not in text


def test_a_jobs_name_is_text_everywhere(client: Client) -> None:
    for address in (changelist(Job), page(Job)):
        assert b"<script>alert(1)" not in client.get(address).content


def test_a_run_shows_what_it_decided(client: Client, job: Job) -> None:
    text = text_of(client.get(page(RecoveryRun)))
    assert "lost" in text
    assert "recovered" in text


@pytest.mark.parametrize("model", OURS)
def test_who_is_no_operator_is_refused(viewer: Client, model: type[models.Model]) -> None:
    assert viewer.get(changelist(model)).status_code == 403
    assert viewer.get(page(model)).status_code == 403


@pytest.mark.parametrize("model", OURS)
def test_who_has_no_staff_status_is_sent_away(model: type[models.Model]) -> None:
    plain, nobody = browser(making.user("ana")), browser()
    assert plain.get(changelist(model), follow=True).status_code == 403
    answer: Any = nobody.get(changelist(model), follow=True)
    assert answer.redirect_chain[-1][0].startswith(reverse("login"))


def rows(number: int) -> None:
    making.node(f"n{Node.objects.count() + 1}")
    fleet.ask_for(making.node(cpus=64), Service.UP, "", actor="op")
    for _ in range(number):
        job = making.ended(1, owner=making.user(f"user{Job.objects.count()}"))
        ApiToken.objects.issue(job.owner, "t")
        decision = Decision(strategy="S", job=job.pk, attempt=1, found="f", outcome=Outcome.SKIPPED)
        ledger.keep(RecoveryResult(started_at=NOW, decisions=[decision]), trigger="timer", node="n1")


@pytest.mark.parametrize("model", OURS)
def test_a_list_has_as_many_queries_for_many_rows_as_for_few(
    superuser: Client, model: type[models.Model]
) -> None:
    rows(1)
    superuser.get(changelist(model))
    with CaptureQueriesContext(connection) as for_few:
        superuser.get(changelist(model))
    rows(4)
    with CaptureQueriesContext(connection) as for_many:
        superuser.get(changelist(model))
    assert len(for_many) == len(for_few)


def test_a_list_of_jobs_never_loads_their_scripts(superuser: Client) -> None:
    with CaptureQueriesContext(connection) as queries:
        superuser.get(changelist(Job))
    assert [query["sql"] for query in queries if '"script"' in query["sql"]] == []


def test_a_jobs_page_has_as_many_queries_for_many_events_as_for_few(superuser: Client, job: Job) -> None:
    superuser.get(page(Job))
    with CaptureQueriesContext(connection) as for_few:
        superuser.get(page(Job))
    for event in list(job.events.all()):
        event.pk = None
        event.save(force_insert=True)
    with CaptureQueriesContext(connection) as for_many:
        superuser.get(page(Job))
    assert len(for_many) == len(for_few)


@pytest.mark.parametrize("term", ["9" * 40, "\u0663", "%", "'", "-1"])
def test_any_search_is_answered(superuser: Client, term: str) -> None:
    for model in OURS:
        assert superuser.get(changelist(model), {"q": term}).status_code == 200, model
