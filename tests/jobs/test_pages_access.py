"""Who may see and change a job, on every address that names one."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from jobs import lifecycle
from jobs.models import Job
from jobs.states import Hold
from tests import making
from tests.web import browser, operator, text_of, viewer

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("outbox")]

PAGES = ["/jobs/{}/", "/jobs/{}/output/", "/jobs/{}/download/", "/jobs/{}/cancel/", "/jobs/new/?from={}"]
VERBS = ["/jobs/{}/cancel/", "/jobs/{}/hold/", "/jobs/{}/release/", "/jobs/{}/rerun/"]
EVERY = [("get", page) for page in PAGES] + [("post", verb) for verb in VERBS]
NOBODYS = 987_654


def ask(client: Client, method: str, address: str) -> tuple[Any, list[str]]:
    with CaptureQueriesContext(connection) as queries:
        answer = getattr(client, method)(address)
    return answer, [query["sql"].replace(str(NOBODYS), "N") for query in queries.captured_queries]


@pytest.mark.parametrize(("method", "address"), EVERY)
def test_anothers_job_is_the_job_that_is_not_there(method: str, address: str) -> None:
    job = making.ended(owner=making.user("lin"))
    client = browser(making.user())
    theirs, queries = ask(client, method, address.format(job.pk))
    nobodys, same_queries = ask(client, method, address.format(NOBODYS))
    assert theirs.status_code == nobodys.status_code == 404
    assert theirs.content == nobodys.content
    assert theirs.headers == nobodys.headers
    assert len(queries) == len(same_queries)


@pytest.mark.parametrize(
    ("method", "address"), [*EVERY, ("get", "/jobs/"), ("get", "/account/"), ("get", "/")]
)
def test_nobody_is_sent_to_the_login_first(method: str, address: str) -> None:
    job = making.ended()
    answer, _ = ask(browser(), method, address.format(job.pk))
    assert answer.status_code == 302
    assert answer.url.startswith("/login/?next=/")


@pytest.mark.parametrize("address", VERBS)
def test_who_may_only_read_changes_nothing(address: str) -> None:
    job = making.queued(environment={"A": "1"})
    answer = browser(viewer()).post(address.format(job.pk))
    assert answer.status_code == 403
    assert "ana" in text_of(answer)
    job.refresh_from_db()
    assert (job.state, job.hold, Job.objects.count()) == ("PENDING", "", 1)


@pytest.mark.parametrize("address", [*VERBS, "/jobs/new/", "/account/", "/logout/", "/account/password/"])
def test_a_form_that_is_not_ours_changes_nothing(address: str) -> None:
    job = making.queued()
    answer = browser(job.owner, enforce_csrf_checks=True).post(address.format(job.pk), {"script": "true"})
    assert answer.status_code == 403
    assert "Please send that again" in text_of(answer)
    job.refresh_from_db()
    assert (job.state, job.hold, Job.objects.count()) == ("PENDING", "", 1)


@pytest.mark.parametrize("address", ["/jobs/{}/hold/", "/jobs/{}/release/", "/jobs/{}/rerun/", "/logout/"])
def test_a_link_changes_nothing(address: str) -> None:
    job = making.queued()
    assert browser(job.owner).get(address.format(job.pk)).status_code == 405


def test_a_cancel_asks_first() -> None:
    job = making.queued(name="precious")
    client = browser(job.owner)
    assert "Cancel precious" in text_of(client.get(f"/jobs/{job.pk}/cancel/"))
    job.refresh_from_db()
    assert job.state == "PENDING"
    page = text_of(client.post(f"/jobs/{job.pk}/cancel/", follow=True))
    assert f"Job {job.pk} is cancelled" in page
    job.refresh_from_db()
    assert job.state == "CANCELLED"


def test_a_running_job_is_being_stopped_before_it_is_cancelled() -> None:
    job = making.active()
    page = text_of(browser(job.owner).post(f"/jobs/{job.pk}/cancel/", follow=True))
    assert "is being stopped. Its output is kept." in page


def test_an_ended_job_stays_as_it_is() -> None:
    job = making.ended()
    page = text_of(browser(job.owner).post(f"/jobs/{job.pk}/cancel/", follow=True))
    assert "had ended or was being stopped already" in page
    job.refresh_from_db()
    assert job.state == "COMPLETED"


def test_a_job_is_held_and_released_by_its_owner() -> None:
    job = making.queued()
    client = browser(job.owner)
    assert f"Job {job.pk} is held" in text_of(client.post(f"/jobs/{job.pk}/hold/", follow=True))
    assert "was held already" in text_of(client.post(f"/jobs/{job.pk}/hold/", follow=True))
    assert f"Job {job.pk} is released" in text_of(client.post(f"/jobs/{job.pk}/release/", follow=True))
    assert "was not held" in text_of(client.post(f"/jobs/{job.pk}/release/", follow=True))


def test_an_operators_hold_is_only_an_operators_to_lift() -> None:
    job = making.queued()
    browser(operator()).post(f"/jobs/{job.pk}/hold/")
    job.refresh_from_db()
    assert job.hold == Hold.ADMIN
    answer = browser(job.owner).post(f"/jobs/{job.pk}/release/")
    assert answer.status_code == 403
    assert "only an operator releases it" in text_of(answer)
    assert browser(operator()).post(f"/jobs/{job.pk}/release/").status_code == 302
    job.refresh_from_db()
    assert job.hold == Hold.NONE


def test_an_operator_cancels_anothers_job_in_their_own_name() -> None:
    job = making.queued()
    browser(operator()).post(f"/jobs/{job.pk}/cancel/")
    assert job.events.last().actor == "olga"  # type: ignore[union-attr]


def test_an_account_that_is_switched_off_sees_nothing() -> None:
    job = making.queued()
    client = browser(job.owner)
    User.objects.filter(pk=job.owner_id).update(is_active=False)
    assert client.get(job.get_absolute_url()).status_code == 302


def test_a_job_that_ended_meanwhile_is_not_cancelled_over() -> None:
    job = making.queued()
    assert lifecycle.cancel(job, actor="lin")
    browser(job.owner).post(f"/jobs/{job.pk}/cancel/")
    assert job.events.filter(to_state="CANCELLED").count() == 1
