"""Operators steer through lifecycle and fleet; each step is in the admin's history and in the events."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from jobs import messages, states
from jobs.models import Job, Node, Partition
from jobs.states import Hold, Reason, Service, State
from tests import making
from tests.web import text_of

pytestmark = pytest.mark.django_db


def act(client: Client, action: str, *rows: Job | Node, **fields: str) -> Any:
    """Choose rows of a list and an action."""
    model = "jobs_job" if isinstance(rows[0], Job) else "jobs_node"
    chosen = {"action": action, "_selected_action": [row.pk for row in rows], **fields}
    return client.post(reverse(f"admin:{model}_changelist"), chosen, follow=True)


def history() -> list[tuple[str, str]]:
    """Who did what, by the admin's own log."""
    return [
        (entry.user.get_username(), entry.get_change_message()) for entry in LogEntry.objects.order_by("pk")
    ]


def test_jobs_are_cancelled_through_lifecycle(operator: Client) -> None:
    waiting, running, ended = making.queued(), making.active(), making.ended()
    answer = act(operator, "cancel", waiting, running, ended)
    for job in (waiting, running, ended):
        job.refresh_from_db()
    assert (waiting.state, running.step, ended.state) == (State.CANCELLED, states.STOPPING, State.COMPLETED)
    assert "2 cancelled, or being stopped, 1 had ended" in text_of(answer)
    assert running.events.latest("pk").actor == "olga"
    assert history() == [("olga", "Cancelled, or being stopped.")] * 2


def test_a_job_is_held_by_an_operator_and_released(operator: Client) -> None:
    job = making.queued()
    act(operator, "hold", job)
    job.refresh_from_db()
    assert (job.hold, job.reason) == (Hold.ADMIN, Reason.JOB_HELD_ADMIN)
    act(operator, "release", job)
    job.refresh_from_db()
    assert (job.hold, job.reason) == (Hold.NONE, Reason.NOT_CONSIDERED_YET)
    assert list(job.events.values_list("kind", "actor"))[1:] == [("held", "olga"), ("released", "olga")]
    assert history() == [("olga", "Held."), ("olga", "Released.")]


def test_what_was_done_to_nobody_is_in_no_history(operator: Client) -> None:
    answer = act(operator, "release", making.queued())
    assert "0 released, 1 were not held" in text_of(answer)
    assert history() == []


def test_a_node_is_drained_with_a_reason_and_resumed(operator: Client) -> None:
    node = making.node()
    act(operator, "drain", node, reason="a disk is full")
    node.refresh_from_db()
    assert (node.wanted, node.wanted_reason, node.wanted_by) == (Service.DRAIN, "a disk is full", "olga")
    act(operator, "resume", node)
    node.refresh_from_db()
    assert node.wanted == Service.UP
    assert list(node.events.values_list("kind", "actor"))[1:] == [
        ("wanted DRAIN", "olga"),
        ("wanted UP", "olga"),
    ]
    assert [user for user, _ in history()] == ["olga", "olga"]


def test_a_node_is_taken_down_with_a_reason(operator: Client) -> None:
    node = making.node()
    answer = act(operator, "down", node, reason="it burns")
    node.refresh_from_db()
    assert (node.wanted, node.wanted_reason, node.service) == (Service.DOWN, "it burns", Service.UP)
    assert "what runs there is lost once they are silent" in text_of(answer)


@pytest.mark.parametrize("reason", ["", "   "])
def test_a_node_is_not_drained_without_a_reason(operator: Client, reason: str) -> None:
    node = making.node()
    answer = act(operator, "drain", node, reason=reason)
    node.refresh_from_db()
    assert node.wanted == Service.UP
    assert "Nothing was done. The reason, beside the action: Say why" in text_of(answer)


def test_a_reason_that_is_too_long_is_refused_and_no_fault_of_ours(operator: Client) -> None:
    node = making.node()
    assert act(operator, "drain", node, reason="x" * 5000).status_code == 200
    node.refresh_from_db()
    assert len(node.wanted_reason) <= 200


def test_who_is_no_operator_cannot_act(viewer: Client) -> None:
    job, node = making.queued(), making.node()
    act(viewer, "cancel", job)
    act(viewer, "drain", node, reason="x")
    job.refresh_from_db()
    node.refresh_from_db()
    assert (job.state, node.wanted) == (State.PENDING, Service.UP)
    for name in ("recover_now", "dry_run"):
        assert viewer.post(reverse(f"admin:recovery_{name}")).status_code == 403


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    told: list[bool] = []
    monkeypatch.setattr(messages, "ask_recovery", lambda *, dry_run=False: told.append(dry_run))
    return told


@pytest.mark.parametrize(
    ("name", "dry_run", "words"), [("recover_now", False, "recover now"), ("dry_run", True, "dry run")]
)
def test_every_agent_is_asked_to_recover(
    operator: Client, asked: list[bool], name: str, dry_run: bool, words: str
) -> None:
    making.node()
    answer = operator.post(reverse(f"admin:recovery_{name}"), follow=True)
    assert asked == [dry_run]
    assert f"1 node was asked ({words})" in text_of(answer)
    assert history() == [("olga", f"Asked every node: {words}.")]


def test_an_operator_who_asks_nobody_is_told_so(operator: Client, asked: list[bool]) -> None:
    answer = operator.post(reverse("admin:recovery_recover_now"), follow=True)
    assert "No node is live, so nobody heard it" in text_of(answer)


def test_recovery_is_never_asked_for_by_a_link(operator: Client, asked: list[bool]) -> None:
    assert operator.get(reverse("admin:recovery_recover_now")).status_code == 405
    assert asked == []


def test_only_operators_see_the_buttons(operator: Client) -> None:
    address = reverse("admin:recovery_recoveryrun_changelist")
    assert "Recover now" in text_of(operator.get(address))


PARTITION = {
    "name": "long",
    "state": "UP",
    "priority": "0",
    "default_time_limit": "01:00:00",
    "max_time_limit": "10 00:00:00",
    "grace": "30",
    "max_pending": "",
    "output_limit_mb": "1024",
}


def test_an_operator_makes_a_partition_and_the_scheduler_looks(
    operator: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    woken: list[bool] = []
    monkeypatch.setattr(messages, "wake_scheduler", lambda: woken.append(True))
    operator.post(reverse("admin:jobs_partition_add"), {**PARTITION, "nodes": [making.node().pk]})
    assert [node.name for node in Partition.objects.get(name="long").nodes.all()] == ["n1"]
    assert woken == [True]


def test_an_operator_says_how_long_jobs_of_a_partition_wait_and_how_much_they_write(operator: Client) -> None:
    limits = {"max_pending": "2 00:00:00", "output_limit_mb": "0"}
    operator.post(reverse("admin:jobs_partition_add"), {**PARTITION, **limits})
    made = Partition.objects.get(name="long")
    assert (made.max_pending, made.output_limit_mb) == (timedelta(days=2), 0)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"max_time_limit": "366 00:00:00"}, "from 1 second to 365 days"),
        ({"max_time_limit": "0"}, "from 1 second to 365 days"),
        ({"default_time_limit": "11 00:00:00"}, "to the partition's maximum"),
        ({"default_time_limit": "0"}, "from 1 second"),
        ({"grace": "3601"}, "from 0 seconds to 1 hour"),
        ({"grace": "-1"}, "from 0 seconds to 1 hour"),
        ({"max_pending": "0"}, "from 1 second to 365 days"),
        ({"max_pending": "-1 00:00:00"}, "from 1 second to 365 days"),
        ({"max_pending": "366 00:00:00"}, "or empty: no job expires"),
        ({"max_pending": "soon"}, "Enter a valid duration"),
        ({"output_limit_mb": "-1"}, "greater than or equal to 0"),
        ({"is_default": "on"}, "default is the default partition"),
        ({"name": "default"}, "already exists"),
    ],
)
def test_a_partition_that_contradicts_itself_is_refused(
    operator: Client, change: dict[str, str], words: str
) -> None:
    answer = operator.post(reverse("admin:jobs_partition_add"), {**PARTITION, **change})
    assert words in text_of(answer)
    assert Partition.objects.count() == 1
