"""Rows for tests, made through the same doors as everywhere: submit, place, start."""

from dataclasses import replace
from datetime import timedelta
from importlib import import_module
from itertools import count
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.db import transaction

from jobs import fleet, lifecycle
from jobs.ending import Ending
from jobs.lifecycle import Identities, Placing
from jobs.models import Job, Node, NodeLease, ResourceAllocation
from jobs.models.clock import database_now, from_now
from jobs.spec import JobSpec
from jobs.states import Source

BOOT = "boot"
SPOOL = "spool"
A_MOMENT = timedelta(seconds=1)

_numbers = count(1)


def restore_defaults(**_: object) -> None:
    """What the data migrations made, after a test has emptied every table."""
    for name in ("jobs.migrations.0002_defaults", "scheduler.migrations.0002_lease"):
        import_module(name).create(apps, None)


def user(name: str = "ana") -> User:
    """A person."""
    return get_user_model().objects.get_or_create(username=name)[0]


def node(name: str = "n1", *, cpus: int = 2, memory_mb: int = 4096, gpus: int = 0) -> Node:
    """A node whose lease holds, whose agent hears the broker, and whose spool is on this machine."""
    (settings.JOBSITE_VAR / "spool" / name).mkdir(parents=True, exist_ok=True)
    size = {"cpus": cpus, "memory_mb": memory_mb, "gpus": gpus}
    made = fleet.enrol(name, **size)
    if fleet.resize(name, **size):
        made.refresh_from_db()
    later = from_now(timedelta(hours=1))  # however slow the machine is, it does not go deaf under a test
    lease = {"boot_id": BOOT, "spool_id": SPOOL, "lease_until": later, "broker_ok_at": later}
    NodeLease.objects.update_or_create(node=made, defaults=lease)
    return made


def spec(**changes: Any) -> JobSpec:
    """A request that is in order."""
    plain = JobSpec(
        script="#!/bin/sh\ntrue\n",
        name="job",
        arguments=(),
        environment={},
        work_dir="",
        partition="default",
        cpus=1,
        memory_mb=64,
        gpus=0,
        time_limit=timedelta(minutes=5),
        priority=0,
        hold=False,
    )
    return replace(plain, **changes)


def queued(**changes: Any) -> Job:
    """A job that waits for resources."""
    owner = changes.pop("owner", None) or user()
    job, _ = lifecycle.submit(spec(**changes), owner, source=Source.API)
    return job


def placed(**changes: Any) -> Job:
    """A job with its resources on n1, whose message was never sent."""
    return place(queued(**changes))


def place(job: Job) -> Job:
    """Give a job that waits its resources on n1."""
    job.refresh_from_db()
    here = Node.objects.filter(name="n1").first() or node()
    gpus = tuple(range(job.gpus))
    with transaction.atomic():
        assert lifecycle.place([Placing(job, here.pk, gpus)], database_now()) == [job]
    job.refresh_from_db()
    return job


def starting(**changes: Any) -> Job:
    """A job that a worker has claimed."""
    job = placed(**changes)
    assert lifecycle.start(job, boot_id=BOOT, spool_id=SPOOL, actor="n1")
    job.refresh_from_db()
    return job


def active(**changes: Any) -> Job:
    """A job that runs."""
    job = starting(**changes)
    assert lifecycle.activate(job, Identities(1, 1, 2, 2), note="", actor="n1")
    job.refresh_from_db()
    return job


def ended(code: int = 0, **changes: Any) -> Job:
    """A job that has run."""
    job = active(**changes)
    assert lifecycle.finish(job, ending(code), actor="n1")
    job.refresh_from_db()
    return job


def ending(code: int | None = 0, **changes: Any) -> Ending:
    """What a wrapper says at the end."""
    facts = {"exit_signal": None, "cause": None, "launch_error": None, **changes}
    return Ending(exit_code=code, **facts)


def held_by(job: Job) -> list[ResourceAllocation]:
    """What a job still holds."""
    return list(ResourceAllocation.objects.unreleased().filter(job=job))


def past_grace() -> Any:
    """A moment at which every grace of recovery is over."""
    return database_now() + settings.DISPATCH_GRACE + A_MOMENT
