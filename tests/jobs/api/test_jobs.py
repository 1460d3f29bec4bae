"""Jobs through the API: submit, list, show, cancel, read the output."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext

from jobs import files, lifecycle
from jobs.models import Job
from jobs.states import Source
from tests import making
from tests.jobs.api.conftest import Speaker

SHOWN = {
    "id", "url", "name", "owner", "partition", "cpus", "memory_mb", "gpus", "time_limit", "work_dir",
    "priority", "hold", "state", "phase", "reason", "detail", "exit_code", "exit_signal", "exit_status",
    "attempt", "node", "submitted_at", "eligible_at", "placed_at", "started_at", "ended_at", "limit_at",
    "cancel_requested_at", "source", "rerun_of",
}  # fmt: skip
ALONE = {
    "script", "advice", "core_dumped", "last_words", "cpu_seconds", "max_rss_mb", "allocation",
    "signal", "requeue", "max_attempts", *files.FIELDS,
}  # fmt: skip
"""What a job shows beside that when it is asked for alone."""


def test_a_job_is_accepted_with_its_defaults(ana: Speaker) -> None:
    answer = ana.submit()
    assert answer.status_code == 201
    job = answer.json()
    assert set(job) == SHOWN | ALONE
    assert (job["name"], job["owner"], job["partition"], job["source"]) == ("job", "ana", "default", "api")
    assert (job["cpus"], job["memory_mb"], job["gpus"], job["time_limit"]) == (1, 1024, 0, 3600)
    assert (job["state"], job["phase"], job["reason"]) == ("PENDING", "QUEUED", "NotConsideredYet")
    assert job["url"] == f"http://testserver/jobs/{job['id']}/"
    assert Job.objects.get(pk=job["id"]).source == Source.API


def test_a_job_is_accepted_with_all_that_can_be_asked(ana: Speaker, tmp_path: Path) -> None:
    making.node(cpus=8, gpus=2)
    asked = {
        "script": "#!/bin/bash\necho ü\n",
        "name": "<script>alert(1)</script>",
        "cpus": 3,
        "memory": "2G",
        "gpus": 1,
        "time_limit": "1-12:00:00",
        "partition": "default",
        "work_dir": str(tmp_path),
        "arguments": ["a b", "$(id)"],
        "environment": {"A": "1"},
        "hold": True,
        "priority": -5,
    }
    answer = ana.submit(**asked)
    assert answer.status_code == 201, answer.content
    job = Job.objects.get(pk=answer.json()["id"])
    assert (job.script, job.name, job.cpus, job.memory_mb, job.gpus) == (
        "#!/bin/bash\necho ü\n", "<script>alert(1)</script>", 3, 2048, 1,
    )  # fmt: skip
    assert (job.time_limit, job.work_dir) == (timedelta(hours=36), str(tmp_path))
    assert (job.arguments, job.environment) == (["a b", "$(id)"], {"A": "1"})
    assert (job.hold, job.priority) == ("user", -5)


def test_only_operators_give_priority(ana: Speaker, operator: Speaker) -> None:
    refused = ana.submit(priority=1)
    assert refused.status_code == 400
    assert "only operators give more than 0" in refused.json()["priority"][0]
    assert operator.submit(priority=1).status_code == 201


def test_the_same_key_with_the_same_request_is_the_first_job_again(ana: Speaker) -> None:
    body = {"script": "true"}
    first = ana.ask("POST", "jobs/", body, Idempotency_Key="k")
    again = ana.ask("POST", "jobs/", body, Idempotency_Key="k")
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["id"] == again.json()["id"]
    assert Job.objects.count() == 1


def test_the_same_key_with_another_request_is_refused(ana: Speaker, bob: Speaker) -> None:
    ana.ask("POST", "jobs/", {"script": "true"}, Idempotency_Key="k")
    other = ana.ask("POST", "jobs/", {"script": "false"}, Idempotency_Key="k")
    assert other.status_code == 409
    assert "was used for a job with another request" in other.json()["detail"]
    assert bob.ask("POST", "jobs/", {"script": "false"}, Idempotency_Key="k").status_code == 201
    assert Job.objects.count() == 2


@pytest.mark.parametrize("key", ["", "k" * 129, "a\tb"])
def test_an_odd_key_is_refused(ana: Speaker, key: str) -> None:
    answer = ana.ask("POST", "jobs/", {"script": "true"}, Idempotency_Key=key)
    assert answer.status_code == 400
    assert "1 to 128 printable characters" in answer.json()["Idempotency-Key"][0]
    assert not Job.objects.exists()


def test_a_job_is_shown_as_it_is(ana: Speaker) -> None:
    job = making.ended(3)
    shown = ana.get(f"jobs/{job.pk}/").json()
    assert set(shown) == SHOWN | ALONE
    assert (shown["state"], shown["reason"], shown["exit_code"], shown["node"]) == (
        "FAILED", "NonZeroExitCode", 3, "n1",
    )  # fmt: skip
    assert shown["detail"] == "Its script ended with exit code 3."
    assert shown["submitted_at"] <= shown["placed_at"] <= shown["started_at"] <= shown["ended_at"]


def test_a_list_shows_ones_own_newest_first_and_an_operator_sees_every_job(
    ana: Speaker, operator: Speaker, viewer: Speaker
) -> None:
    first, second = making.queued(), making.queued()
    others = making.queued(owner=making.user("bob"))
    assert [job["id"] for job in ana.get("jobs/").json()["results"]] == [second.pk, first.pk]
    for reader in (operator, viewer):
        assert [job["id"] for job in reader.get("jobs/").json()["results"]] == [
            others.pk,
            second.pk,
            first.pk,
        ]
    assert operator.get("jobs/?mine=true").json() == {"results": [], "next": None}


def test_a_list_is_filtered_by_state(ana: Speaker) -> None:
    queued, ended = making.queued(), making.ended(1)
    assert [job["id"] for job in ana.get("jobs/?state=failed").json()["results"]] == [ended.pk]
    both = ana.get("jobs/?state=FAILED,PENDING").json()["results"]
    assert {job["id"] for job in both} == {queued.pk, ended.pk}


def test_a_list_is_paged_without_gap_or_repetition(ana: Speaker) -> None:
    jobs = [making.queued().pk for _ in range(5)]
    seen, page = [], ana.get("jobs/?limit=2").json()
    while page["next"] is not None:
        seen += [job["id"] for job in page["results"]]
        page = ana.get(f"jobs/?limit=2&before={page['next']}").json()
    assert seen + [job["id"] for job in page["results"]] == jobs[::-1]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"), ("limit=201", "limit"), ("limit=x", "limit"), ("limit=-1", "limit"),
        ("before=0", "before"), ("before=99999999999999999999", "before"), ("state=odd", "state"),
        ("state=", None), ("mine=perhaps", "mine"), ("_connector=OR", "_connector"), ("owner=1", "owner"),
        ("owner__password__startswith=a", "owner__password__startswith"), ("order_by=script", "order_by"),
        ("limit=1&limit=2", "limit"), ("limit=%00", "limit"), ("limit=%D9%A1", "limit"),
    ],
)  # fmt: skip
def test_an_odd_parameter_is_refused_at_its_name(ana: Speaker, query: str, field: str | None) -> None:
    answer = ana.get(f"jobs/?{query}")
    assert answer.status_code == (200 if field is None else 400)
    assert field is None or list(answer.json()) == [field]


def test_a_list_has_as_many_queries_for_many_jobs_as_for_one_and_loads_no_script(ana: Speaker) -> None:
    making.queued()
    with CaptureQueriesContext(connection) as for_one:
        ana.get("jobs/")
    making.node(cpus=8)
    for make in (making.queued, making.placed, making.active, making.ended):
        make()
    with CaptureQueriesContext(connection) as for_many:
        ana.get("jobs/")
    assert len(for_one) == len(for_many)
    assert [query["sql"] for query in for_many if "script" in query["sql"]] == []


def test_a_waiting_job_is_cancelled_and_a_running_one_is_stopping(ana: Speaker) -> None:
    waiting, running = making.queued(), making.active()
    assert ana.ask("POST", f"jobs/{waiting.pk}/cancel/").json()["state"] == "CANCELLED"
    stopping = ana.ask("POST", f"jobs/{running.pk}/cancel/")
    assert (stopping.status_code, stopping.json()["phase"]) == (200, "STOPPING")
    assert ana.ask("POST", f"jobs/{running.pk}/cancel/").status_code == 200


def test_an_ended_job_cannot_be_cancelled(ana: Speaker) -> None:
    job = making.ended()
    answer = ana.ask("POST", f"jobs/{job.pk}/cancel/")
    assert answer.status_code == 409
    assert answer.json() == {"detail": f"Job {job.pk} has ended already: it is COMPLETED."}


def test_who_may_only_read_may_not_cancel(viewer: Speaker, operator: Speaker) -> None:
    job = making.queued()
    assert viewer.ask("POST", f"jobs/{job.pk}/cancel/").status_code == 403
    assert operator.ask("POST", f"jobs/{job.pk}/cancel/").status_code == 200


def test_output_is_read_from_any_byte_and_never_as_a_page(
    ana: Speaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "JOBSITE_VAR", tmp_path)
    job = making.active()
    directory = tmp_path / "spool" / "n1" / f"{job.pk}.1"
    directory.mkdir(parents=True)
    (directory / "stdout").write_bytes(b"<script>\x00\xff")
    answer = ana.get(f"jobs/{job.pk}/output/?from=3")
    assert answer.content == b"ript>\x00\xff"
    told = [answer[f"X-Jobsite-{name}"] for name in ("Next", "Size", "Ended", "Attempt")]
    assert told == ["10", "10", "false", "1"]
    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["Content-Disposition"].startswith("attachment;")
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"].startswith("sandbox;")


@pytest.mark.parametrize(
    "query", ["from=-1", "from=x", "from=1.5", "stream=script", "path=/etc/passwd", "from=9" + "9" * 30]
)
def test_an_odd_piece_of_output_is_refused(ana: Speaker, query: str) -> None:
    assert ana.get(f"jobs/{making.active().pk}/output/?{query}").status_code == 400


def test_a_database_that_is_away_is_told_and_trying_again_is_safe(
    ana: Speaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object, **__: object) -> None:
        raise OperationalError("away")

    monkeypatch.setattr(lifecycle, "submit", away)
    answer = ana.submit()
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert "Idempotency-Key" in answer.json()["detail"]
