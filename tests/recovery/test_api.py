"""Recovery in the API: operators ask for it, and read what was decided."""

from typing import Any

import pytest

from jobs import messages
from jobs.models import NodeLease
from jobs.models.clock import ClockTimestamp
from recovery.manager import RecoveryManager
from recovery.models import RecoveryRun
from tests import making
from tests.jobs.api.conftest import Speaker, ana, nobody, operator, viewer
from tests.outbox import Outbox

__all__ = ["ana", "nobody", "operator", "viewer"]

pytestmark = pytest.mark.django_db


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether agents were asked to sweep, and whether only to rehearse."""
    told: list[bool] = []
    monkeypatch.setattr(messages, "ask_recovery", lambda *, dry_run=False: told.append(dry_run))
    return told


@pytest.mark.parametrize("dry_run", [False, True])
def test_an_operator_asks_every_live_node(operator: Speaker, asked: list[bool], dry_run: bool) -> None:
    making.node("n1")
    NodeLease.objects.filter(node=making.node("n2")).update(lease_until=ClockTimestamp())
    newest = RecoveryRun.objects.create(duration=making.A_MOMENT, trigger="startup")
    answer = operator.ask("POST", "recovery/", {"dry_run": dry_run})
    assert (answer.status_code, asked) == (200, [dry_run])
    assert answer.json() == {"asked": 1, "dry_run": dry_run, "after": newest.pk}


def test_an_operator_reads_what_was_decided_after_a_sweep(
    operator: Speaker, broker: Any, outbox: Outbox
) -> None:
    job = making.placed()
    for _ in range(2):
        RecoveryManager().recover(making.past_grace(), trigger="command", dry_run=True)
    first, second = operator.get("recovery/").json()["results"]
    assert operator.get(f"recovery/?after={first['id']}").json()["results"] == [second]
    (decision,) = second["decisions"]
    assert (decision["job"], decision["action"]) == (job.pk, "T4: send its message again")
    assert (second["dry_run"], second["recovered"], decision["outcome"]) == (True, 1, "recoverable")


@pytest.mark.parametrize(
    ("body", "words"),
    [({"dry_run": "no"}, "it is true or false"), ({"dry": True}, "dry"), ([], "JSON object")],
)
def test_an_odd_wish_is_refused_and_nobody_is_asked(
    operator: Speaker, asked: list[bool], body: object, words: str
) -> None:
    answer = operator.ask("POST", "recovery/", body)
    assert (answer.status_code, asked) == (400, [])
    assert words in answer.content.decode()


@pytest.mark.parametrize("after", ["-1", "x", "9" * 30, "%00"])
def test_an_odd_number_is_refused(operator: Speaker, after: str) -> None:
    assert operator.get(f"recovery/?after={after}").status_code == 400


def test_nobody_else_asks_or_reads(ana: Speaker, viewer: Speaker, nobody: Speaker, asked: list[bool]) -> None:
    told = [
        (one.ask("POST", "recovery/", {}).status_code, one.get("recovery/").status_code)
        for one in (ana, viewer, nobody)
    ]
    assert (told, asked) == ([(403, 403), (403, 403), (401, 401)], [])


def test_a_page_of_sweeps_costs_as_many_queries_as_one_sweep(
    operator: Speaker, broker: Any, django_assert_max_num_queries: Any
) -> None:
    for _ in range(25):
        RecoveryRun.objects.create(duration=making.A_MOMENT, trigger="startup")
    with django_assert_max_num_queries(6):
        assert len(operator.get("recovery/").json()["results"]) == 20
