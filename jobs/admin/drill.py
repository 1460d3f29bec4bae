"""The button for the drill. The web only asks: an ordinary job of the operator who pressed it plays it.

Like every job it has the worker's account and no secret, and starts a platform of its own from nothing.
"""

import shlex
import sys
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect

from jobs import fleet, submission
from jobs.admin.steering import may_steer, person, write_history
from jobs.errors import IdempotencyConflict, InvalidSpec
from jobs.models import Partition
from jobs.states import Source

PARTITION: Final = "sandbox"
LOWEST: Final = -1000
"""The priority of its partition: whoever waits for the same resources goes first."""
MEMORY: Final = "1536M"
TIME_LIMIT: Final = timedelta(minutes=15)
CPUS: Final = 2


def ask(request: HttpRequest) -> HttpResponse:
    """Submit the drill as a job, and show that job's page, on which the scorecard grows."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    if not may_steer(request):
        raise PermissionDenied("Only operators ask for the drill.")
    partition = fleet.open_partition(PARTITION, priority=LOWEST, time_limit=TIME_LIMIT)
    key = request.POST.get("form_key") or None
    try:
        job, new = submission.submit(request_in(partition), person(request), source=Source.WEB, key=key)
    except (InvalidSpec, IdempotencyConflict) as refusal:
        messages.error(request, f"The drill was not submitted. {refusal}")
        return redirect("admin:jobs_partition_changelist")
    if new:
        write_history(request, [partition], f"asked for the drill: job {job.pk}")
    return redirect(job)


def request_in(partition: Partition) -> dict[str, object]:
    """What is submitted: as much as the drill needs, or all that the largest node has."""
    largest = max((node.cpus for node in partition.nodes.all()), default=CPUS)
    return {
        "name": "drill",
        "partition": partition.name,
        "script": script(),
        "cpus": min(CPUS, largest),
        "memory": MEMORY,
    }


def script(*options: str) -> str:
    """The same interpreter that serves this page, in the same project."""
    played = shlex.join([sys.executable, "-E", "-m", "jobsite.drill", *options])
    return f"#!/bin/sh\ncd {shlex.quote(str(settings.BASE_DIR))} && exec {played}\n"
