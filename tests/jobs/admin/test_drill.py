"""The button for the drill: operators alone, one ordinary job, and it is in the admin's history."""

import sys
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from jobs.admin import drill
from jobs.models import Job, Node, Partition
from tests import making
from tests.session import ROOT
from tests.web import browser, text_of

pytestmark = pytest.mark.django_db

BUTTON = "Run the drill"


@pytest.fixture(autouse=True)
def node(db: None) -> Node:
    return making.node(cpus=2)


def press(client: Client, **fields: str) -> Any:
    return client.post(reverse("admin:jobs_partition_drill"), fields)


def partitions_page(client: Client) -> str:
    return text_of(client.get(reverse("admin:jobs_partition_changelist")))


def test_an_operator_gets_an_ordinary_job_and_its_page(operator: Client, node: Node) -> None:
    assert BUTTON in partitions_page(operator)
    answer = press(operator)
    job = Job.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, job.get_absolute_url())
    assert (job.owner.get_username(), job.name, job.cpus, job.environment) == ("olga", "drill", 2, {})
    assert job.script == f"#!/bin/sh\ncd {ROOT} && exec {sys.executable} -E -m jobsite.drill\n"
    assert job.partition.name == "sandbox"
    assert list(job.partition.nodes.all()) == [node]
    assert job.partition.priority < Partition.objects.get(is_default=True).priority
    entry = LogEntry.objects.get()
    assert (entry.user.get_username(), entry.get_change_message()) == (
        "olga",
        f"Asked for the drill: job {job.pk}.",
    )
    assert entry.object_repr == "sandbox"


def test_pressed_twice_it_makes_one_job(operator: Client) -> None:
    first, again = (press(operator, form_key="k1") for _ in range(2))
    assert first["Location"] == again["Location"] == Job.objects.get().get_absolute_url()
    assert LogEntry.objects.count() == 1
    press(operator, form_key="k2")
    assert Job.objects.count() == 2


def test_what_an_operator_made_of_the_partition_stays(operator: Client, node: Node) -> None:
    made = Partition.objects.create(name="sandbox", priority=3)
    small = making.node("n2", cpus=1)
    made.nodes.set([small])
    press(operator)
    made.refresh_from_db()
    assert (made.priority, list(made.nodes.all())) == (3, [small])
    assert Job.objects.get().cpus == 1


def test_where_no_node_is_large_enough_nothing_is_submitted_and_it_is_said_why(operator: Client) -> None:
    Node.objects.update(memory_mb=512)
    answer = operator.post(reverse("admin:jobs_partition_drill"), follow=True)
    assert "The drill was not submitted. " in text_of(answer)
    assert "1.5 GiB" in text_of(answer)
    assert (Job.objects.count(), LogEntry.objects.count()) == (0, 0)


def test_who_is_no_operator_gets_no_drill(viewer: Client) -> None:
    assert press(viewer).status_code == 403
    owner = browser(making.user("ana"))
    assert owner.post(reverse("admin:jobs_partition_drill"), follow=True).status_code == 403
    assert not Job.objects.exists()
    assert not Partition.objects.filter(name="sandbox").exists()


def test_the_drill_is_never_asked_for_by_a_link(operator: Client) -> None:
    assert operator.get(reverse("admin:jobs_partition_drill")).status_code == 405
    assert not Job.objects.exists()


def test_a_short_drill_can_be_asked_for_too() -> None:
    assert drill.script("--only", "worker").endswith("-m jobsite.drill --only worker\n")
