"""Who gets in, and what of others' they may know: nothing, not even that it is there."""

from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from jobs.models import ApiToken, Job
from jobs.states import State
from tests import making
from tests.jobs.api.conftest import Speaker, issue

PATHS = [
    "jobs/{}/",
    "jobs/{}/cancel/",
    "jobs/{}/output/",
    "jobs/{}/output/?from=3",
    "jobs/{}/output/?stream=stderr",
]
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
MISSING = 2**40


def told(answer: Any) -> tuple[int, bytes, list[tuple[str, str]]]:
    """All that a client sees."""
    return answer.status_code, answer.content, sorted(answer.headers.items())


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", METHODS)
def test_anothers_job_is_the_same_as_one_that_is_not_there(bob: Speaker, method: str, path: str) -> None:
    anas = making.active()
    with CaptureQueriesContext(connection) as for_another:
        another = bob.ask(method, path.format(anas.pk))
    with CaptureQueriesContext(connection) as for_missing:
        missing = bob.ask(method, path.format(MISSING))
    assert told(another) == told(missing)
    assert len(for_another) == len(for_missing)
    assert another.status_code in (404, 405) or method == "OPTIONS"
    anas.refresh_from_db()
    assert anas.state == State.RUNNING
    assert str(anas.pk).encode() not in another.content


def test_a_missing_job_is_told_in_words(ana: Speaker) -> None:
    answer = ana.get(f"jobs/{MISSING}/")
    assert (answer.status_code, answer.json()) == (404, {"detail": "No job has this number."})


def test_a_number_larger_than_any_is_no_job(ana: Speaker) -> None:
    assert ana.get(f"jobs/{10**40}/").status_code == 404


def test_nobody_gets_in_without_a_token(nobody: Speaker) -> None:
    job = making.queued()
    for path in ("jobs/", f"jobs/{job.pk}/", f"jobs/{job.pk}/output/", "schema/", "no/such/address"):
        answer = nobody.get(path)
        assert answer.status_code == 401, path
        assert answer["WWW-Authenticate"] == 'Bearer realm="jobsite"'
    assert nobody.submit().status_code == 401
    assert Job.objects.count() == 1


@pytest.mark.parametrize("token", ["", "jst_", "jst_wrong", "Bearer", "\xff", "a b c", "x" * 10_000])
def test_an_unknown_token_is_refused_with_what_to_do(nobody: Speaker, token: str) -> None:
    answer = nobody.ask("GET", "jobs/", Authorization=f"Bearer {token}")
    assert answer.status_code == 401
    assert "Make a new one on your account page" in answer.json()["detail"]


def test_another_scheme_than_bearer_is_no_login(nobody: Speaker) -> None:
    assert nobody.ask("GET", "jobs/", Authorization="Basic YWRtaW46YWRtaW4=").status_code == 401


def test_a_token_is_kept_as_a_hash_and_its_use_is_noted(db: None) -> None:
    ana = making.user()
    raw = issue(ana)
    kept = ApiToken.objects.values().get()
    assert raw not in str(kept)
    assert raw.removeprefix("jst_") not in str(kept)
    assert kept["last_used_at"] is None
    assert Speaker(ana, raw).get("jobs/").status_code == 200
    assert ApiToken.objects.get().last_used_at is not None


def test_a_revoked_token_ends_at_once(ana: Speaker) -> None:
    assert ana.get("jobs/").status_code == 200
    ApiToken.objects.all().delete()
    assert ana.get("jobs/").status_code == 401


def test_an_account_that_is_closed_ends_its_tokens_at_once(ana: Speaker) -> None:
    assert ana.user is not None
    ana.user.is_active = False
    ana.user.save()
    assert ana.get("jobs/").status_code == 401


def test_a_role_that_was_taken_away_ends_at_once(operator: Speaker) -> None:
    job = making.queued()
    assert operator.get(f"jobs/{job.pk}/").status_code == 200
    assert operator.user is not None
    operator.user.groups.clear()
    assert operator.get(f"jobs/{job.pk}/").status_code == 404


def test_a_session_reads_but_changes_nothing_without_its_csrf_token(nobody: Speaker) -> None:
    job = making.queued()
    nobody.client.force_login(making.user())
    assert nobody.get(f"jobs/{job.pk}/").status_code == 200
    assert nobody.submit().status_code == 403
    assert nobody.ask("POST", f"jobs/{job.pk}/cancel/").status_code == 403
    job.refresh_from_db()
    assert job.state == State.PENDING
    nobody.client.cookies[settings.CSRF_COOKIE_NAME] = "a" * 32
    assert nobody.ask("POST", f"jobs/{job.pk}/cancel/", X_CSRFToken="a" * 32).status_code == 200


def test_no_reading_changes_anything(ana: Speaker) -> None:
    job = making.queued()
    before = list(Job.objects.values())
    for path in (f"jobs/{job.pk}/", f"jobs/{job.pk}/cancel/", f"jobs/{job.pk}/output/", "jobs/"):
        ana.get(path)
    assert list(Job.objects.values()) == before


@pytest.mark.parametrize("path", ["", "job/", "jobs", "jobs/x/", "jobs/-1/", "jobs/1/cancel", "jobs/1.5/"])
def test_an_address_that_is_not_there_is_told_as_json(ana: Speaker, path: str) -> None:
    answer = ana.get(path)
    assert answer.status_code == 404
    assert "There is nothing at this address" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("method", "path"), [("DELETE", "jobs/"), ("PUT", "jobs/"), ("GET", "jobs/1/cancel/")]
)
def test_a_method_that_is_not_there_is_told_as_json(ana: Speaker, method: str, path: str) -> None:
    answer = ana.ask(method, path)
    assert answer.status_code == 405
    assert "not allowed" in answer.json()["detail"]


def test_every_answer_is_json_whatever_is_asked_for(ana: Speaker) -> None:
    for accept in ("text/html", "application/xml", "*/*"):
        answer = ana.ask("GET", "jobs/", Accept=accept)
        assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")


def test_the_schema_names_every_address(ana: Speaker) -> None:
    answer = ana.get("schema/?format=json")
    assert answer.status_code == 200
    paths = {path: set(methods) for path, methods in answer.json()["paths"].items()}
    assert paths["/api/v1/jobs/"] == {"get", "post"}
    assert set(paths) >= {f"/api/v1/jobs/{{id}}/{end}" for end in ("", "cancel/", "output/")}
