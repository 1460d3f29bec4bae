"""The page of one job, in every state that a job can be in."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from jobs import lifecycle
from jobs.models import Job
from jobs.states import EventKind, Evidence, Hold, Reason
from tests import making
from tests.outbox import Outbox
from tests.web import browser, operator, text_of, viewer

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("outbox")]


def held(by: Hold = Hold.USER) -> Job:
    job = making.queued()
    assert lifecycle.hold(job, by, actor="olga")
    return job


def stopping() -> Job:
    job = making.active()
    assert lifecycle.cancel(job, actor="ana")
    job.refresh_from_db()
    return job


def cancelled_waiting() -> Job:
    job = making.queued()
    assert lifecycle.cancel(job, actor="ana")
    return job


def cancelled_running() -> Job:
    job = stopping()
    assert lifecycle.finish(job, making.ending(None, exit_signal=15, cause="cancel"), actor="n1")
    return job


def out_of_time() -> Job:
    job = making.active()
    assert lifecycle.finish(job, making.ending(None, exit_signal=9, cause="limit"), actor="n1")
    return job


def killed() -> Job:
    job = making.active()
    assert lifecycle.finish(job, making.ending(None, exit_signal=11), actor="n1")
    return job


def unlaunched() -> Job:
    job = making.starting()
    assert lifecycle.finish(job, making.ending(None, launch_error="No such file"), actor="n1")
    return job


def lost() -> Job:
    job = making.starting()
    assert lifecycle.lose(job, Reason.NODE_FAIL, "n1 was restarted.", evidence=Evidence.BOOT, actor="n1")
    return job


STATES: dict[str, tuple[Callable[[], Job], str]] = {
    "queued": (making.queued, "Waits for the scheduler to look at it"),
    "held": (held, "Held by its owner"),
    "placed": (making.placed, "Waits for its node to start it"),
    "starting": (making.starting, "Is being started on n1"),
    "active": (making.active, "Runs on n1"),
    "stopping": (stopping, "Is being stopped on n1"),
    "completed": (making.ended, "Ended with exit code 0 after"),
    "failed": (lambda: making.ended(3), "Ended with exit code 3 after"),
    "killed": (killed, "Ended by signal 11 after"),
    "out of time": (out_of_time, "Stopped at its time limit after"),
    "unlaunched": (unlaunched, "Could not be started"),
    "lost": (lost, "Lost with its node"),
    "cancelled while it waited": (cancelled_waiting, "Cancelled"),
    "cancelled while it ran": (cancelled_running, "Cancelled after"),
}


@pytest.mark.parametrize(("make", "heading"), STATES.values(), ids=STATES.keys())
def test_a_job_in_every_state_says_what_happens_to_it(make: Callable[[], Job], heading: str) -> None:
    job = make()
    page = text_of(browser(job.owner).get(job.get_absolute_url()))
    assert f'<h2 id="verdict">{heading}' in page


@pytest.mark.parametrize("make", [make for make, _ in STATES.values()], ids=STATES.keys())
@pytest.mark.parametrize("missing", [("detail",), ("placed_at",), ("exit_code", "exit_signal")])
def test_a_job_is_shown_whatever_is_missing_in_its_row(
    make: Callable[[], Job], missing: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows of older versions and restored backups may lack what today's transitions always write."""
    job = make()
    from_database = Job.from_db.__func__  # type: ignore[attr-defined]

    def with_holes(*arguments: object) -> Job:
        row: Job = from_database(Job, *arguments[1:])
        for column in missing:
            setattr(row, column, "" if column == "detail" else None)
        return row

    monkeypatch.setattr(Job, "from_db", classmethod(with_holes))
    client = browser(job.owner)
    assert client.get(job.get_absolute_url()).status_code == 200
    assert client.get("/jobs/").status_code == 200


@pytest.mark.parametrize("reason", [reason for reason in Reason if reason])
def test_every_reason_has_a_heading(reason: Reason) -> None:
    job = making.queued()
    Job.objects.filter(pk=job.pk).update(reason=reason, detail="")
    page = text_of(browser(job.owner).get(job.get_absolute_url()))
    assert f"Reason <b>{reason}</b>" in page


def test_the_page_shows_what_was_asked_and_what_came_of_it() -> None:
    job = making.ended(7, cpus=2, memory_mb=2048, time_limit=timedelta(minutes=90), arguments=("one", "two"))
    page = text_of(browser(job.owner).get(job.get_absolute_url()))
    for words in ("2 CPUs · 2 GiB", "of 1 h 30 min", "n1", "default", '<dd class="num">7:0</dd>', "one\ntwo"):
        assert words in page


def test_the_timeline_tells_the_events_in_order() -> None:
    job = making.ended()
    page = text_of(browser(job.owner).get(job.get_absolute_url()))
    timeline = page[page.index('class="tl"') :]
    places = [
        timeline.index(word)
        for word in ("Submitted", "Placed on n1", "Claimed by n1", "Running", "Completed")
    ]
    assert places == sorted(places)


def test_the_values_of_variables_are_only_for_the_owner(outbox: Outbox) -> None:
    job = making.queued(environment={"API_KEY": "hunter2"})
    assert "API_KEY=hunter2" in text_of(browser(job.owner).get(job.get_absolute_url()))
    for other in (viewer(), operator()):
        page = text_of(browser(other).get(job.get_absolute_url()))
        assert "API_KEY" in page
        assert "hunter2" not in page


def test_a_name_of_markup_is_text_everywhere() -> None:
    job = making.ended(1, name="<script>alert(1)</script>", script="</pre><script>alert(2)</script>")
    client = browser(job.owner)
    for address in (
        "/jobs/",
        job.get_absolute_url(),
        f"/jobs/new/?from={job.pk}",
        f"{job.get_absolute_url()}cancel/",
    ):
        page = client.get(address).content.decode()
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


OFFERED = {
    "queued": (making.queued, {"cancel", "hold"}),
    "held": (held, {"cancel", "release"}),
    "held by an operator": (lambda: held(Hold.ADMIN), {"cancel"}),
    "active": (making.active, {"cancel"}),
    "stopping": (stopping, set[str]()),
    "ended": (making.ended, {"rerun"}),
}


@pytest.mark.parametrize(("make", "verbs"), OFFERED.values(), ids=OFFERED.keys())
def test_only_what_applies_is_offered(make: Callable[[], Job], verbs: set[str]) -> None:
    job = make()
    page = text_of(browser(job.owner).get(job.get_absolute_url()))
    assert {verb for verb in ("cancel", "hold", "release", "rerun") if f'/{verb}/"' in page} == verbs


def test_a_viewer_is_offered_no_change() -> None:
    job = making.queued()
    page = text_of(browser(viewer()).get(job.get_absolute_url()))
    assert "/cancel/" not in page
    assert "/hold/" not in page


def test_a_live_job_reloads_without_script_and_an_ended_one_does_not() -> None:
    client = browser(making.user())
    refresh = '<noscript><meta http-equiv="refresh"'
    assert refresh in text_of(client.get(making.active().get_absolute_url()))
    assert refresh not in text_of(client.get(making.ended().get_absolute_url()))


def queries_for(job: Job) -> int:
    client = browser(job.owner)
    with CaptureQueriesContext(connection) as queries:
        client.get(job.get_absolute_url())
    return len(queries)


def test_the_page_of_a_job_costs_the_same_however_long_its_history() -> None:
    short, long = making.queued(), making.ended()
    for _ in range(20):
        lifecycle.note(long.pk, EventKind.LATE_RESULT, "again", actor="n1")
    assert queries_for(long) == queries_for(short) <= 8
