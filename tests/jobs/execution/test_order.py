"""What a wrapper is told of a job: its row, with everything replaced that only the node knows."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

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
    directory = station.directory_of(job)
    assert directory.make()
    prepare(job, directory)
    return job, json.loads((directory.path / "request.json").read_text())


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
