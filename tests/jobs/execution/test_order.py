"""What a wrapper is told of a job: its row, with everything replaced that only the node knows."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from jobs import lifecycle
from jobs.execution.order import prepare
from jobs.execution.station import Station
from jobs.files import Files
from jobs.models import Job
from jobs.states import OpenMode
from tests import making
from tests.jobs.execution import running

pytestmark = pytest.mark.django_db(transaction=True)


def told(station: Station, **changes: Any) -> tuple[Job, dict[str, Any]]:
    """The request of a job that this node has claimed."""
    job = running.claimed(station, **changes)
    return job, asked_of(station, job)


def asked_of(station: Station, job: Job) -> Any:
    """What its wrapper is told."""
    directory = station.directory_of(job)
    assert directory.make()
    prepare(job, directory)
    return json.loads((directory.path / "request.json").read_text())


def test_its_start_and_end_are_those_of_its_claim_though_it_waited_long(station: Station) -> None:
    job = making.placed(time_limit=timedelta(minutes=5))
    Job.objects.filter(pk=job.pk).update(submitted_at=job.submitted_at - timedelta(days=3))
    in_hand = Job.objects.get(pk=job.pk)  # as a worker has it: read before the claim, and not again
    assert lifecycle.start(in_hand, boot_id="b", spool_id="s", actor="n1")
    environment = asked_of(station, in_hand)["environment"]
    job.refresh_from_db()
    assert job.started_at is not None
    began = int(job.started_at.timestamp())
    assert environment["SLURM_JOB_START_TIME"] == str(began)
    assert environment["SLURM_JOB_END_TIME"] == str(began + 300)


def test_its_files_are_whole_paths_below_its_work_directory(station: Station, tmp_path: Path) -> None:
    files = Files("/in", "%x-%j.out", "logs/%u/%N", OpenMode.APPEND)
    job, request = told(station, files=files, work_dir=str(tmp_path), name="train")
    assert (request["stdin"], request["stdout"]) == ("/in", f"{tmp_path}/train-{job.pk}.out")
    assert request["stderr"] == f"{tmp_path}/logs/{making.user()}/{settings.NODE_NAME}"
    assert request["open_mode"] == "append"


def test_a_relative_name_is_in_the_private_directory_of_a_job_that_has_one(
    station: Station, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "SCRATCH", tmp_path / "scratch")
    job, request = told(station, files=Files(stdout_path="o"))
    assert (request["stdout"], request["stderr"]) == (f"{tmp_path}/scratch/{job.pk}/o", "")
