"""A new job from the form."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import User

from jobs.models import Job
from tests import making
from tests.web import browser, operator, text_of, viewer

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("outbox")]


@pytest.fixture
def ana() -> User:
    making.node()
    return making.user()


def form(**changes: str) -> dict[str, str]:
    """What a browser sends."""
    usual = {"script": "echo hello\r\n", "cpus": "1", "memory": "512M", "gpus": "0", "time_limit": "1h"}
    return (
        usual | {"name": "", "work_dir": "", "arguments": "", "environment": "", "form_key": "k1"} | changes
    )


def submit(user: User, **changes: str) -> Any:
    return browser(user).post("/jobs/new/", form(**changes))


def test_a_form_becomes_a_job_and_leads_to_its_page(ana: User) -> None:
    answer = submit(
        ana, name="train", memory="1.5G", environment="A=1\r\nB=x=y\r\n", arguments="one\r\ntwo words"
    )
    job = Job.objects.get()
    assert answer.url == f"/jobs/{job.pk}/"
    assert (job.name, job.source, job.owner, job.memory_mb) == ("train", "web", ana, 1536)
    assert job.environment == {"A": "1", "B": "x=y"}
    assert job.arguments == ["one", "two words"]


def test_files_signal_and_requeue_are_typed_shown_and_taken_along(ana: User) -> None:
    typed = {"stdout_path": "%x-%j.out", "open_mode": "append", "signal": "B:USR1@30", "requeue": "on"}
    answer = submit(ana, stderr_path="err", stdin_path="in", max_attempts="3", **typed)
    page = text_of(browser(ana).get(answer.url))
    for words in (
        "output: %x-%j.out",
        "error output: err",
        "input: in",
        "are appended to",
        "Signal USR1 to its script alone, 30 s before its limit.",
        "3 times in all at most",
    ):
        assert words in page
    again = text_of(browser(ana).get(f"/jobs/new/?from={Job.objects.get().pk}"))
    for value in ('value="%x-%j.out"', 'value="append" selected', 'value="B:USR1@30"', 'value="3"'):
        assert value in again


def test_a_script_typed_in_a_browser_has_the_lines_of_unix(ana: User) -> None:
    submit(ana, script="#!/bin/sh\r\necho a\r\n")
    assert Job.objects.get().script == "#!/bin/sh\necho a\n"


def test_a_double_click_makes_one_job(ana: User) -> None:
    first, second = submit(ana), submit(ana)
    assert first.url == second.url
    assert Job.objects.count() == 1


def test_the_same_form_with_other_words_is_explained_and_can_be_sent_again(ana: User) -> None:
    first = submit(ana)
    answer = submit(ana, script="echo other\n")
    assert answer.status_code == 409
    page = text_of(answer)
    assert "This form has made a job already" in page
    assert first.url in page
    key = re.search(r'name="form_key" value="([^"]+)"', page)
    assert key
    assert submit(ana, script="echo other\n", form_key=key[1]).status_code == 302
    assert Job.objects.count() == 2


def test_each_form_has_a_key_of_its_own(ana: User) -> None:
    keys = {re.findall(r'form_key" value="([^"]+)', text_of(browser(ana).get("/jobs/new/")))[0] for _ in "ab"}
    assert len(keys) == 2


ODD = [
    ("script", "", "The script is empty"),
    ("script", " \r\n ", "The script is empty"),
    ("script", "a\0b", "contains a NUL byte"),
    ("script", "x" * 1_048_577, "at most 1,048,576"),
    ("cpus", "0", "is not possible"),
    ("cpus", "-1", "is not possible"),
    ("cpus", "1.5", "is not a whole number"),
    ("cpus", "1000000000", "is not possible"),
    ("cpus", "3", "the largest node of partition default (n1) has 2"),
    ("memory", "8 potatoes", "is not understood"),
    ("memory", "-1", "is not understood"),
    ("memory", "0", "is not understood"),
    ("memory", "1T", "Ask for at most 4 GiB"),
    ("gpus", "1", "n1) has no GPU. Ask for none"),
    ("time_limit", "0", "is not possible"),
    ("time_limit", "-5", "is not possible"),
    ("time_limit", "30d", "above the maximum"),
    ("work_dir", "/not/there", "does not exist"),
    ("work_dir", "relative", "is relative"),
    ("work_dir", "/etc/passwd", "is not a directory"),
    ("name", "x" * 129, "at most 128"),
    ("name", "two\nlines", "line break"),
    ("partition", "moon", "There is no partition 'moon'"),
    ("environment", "NOT A LINE", "has no = in it"),
    ("environment", "1A=x", "is no variable's name"),
]


@pytest.mark.parametrize(("field", "typed", "said"), ODD)
def test_what_is_odd_is_said_at_its_field_and_nothing_is_stored(
    ana: User, field: str, typed: str, said: str
) -> None:
    answer = submit(ana, **{field: typed})
    page = text_of(answer)
    assert answer.status_code == 400
    at_field = re.search(rf'<ul class="errorlist" id="id_{field}_error">(.*?)</ul>', page, re.DOTALL)
    assert at_field, page
    assert said in at_field[1]
    assert 'role="alert" tabindex="-1" autofocus' in page
    assert not Job.objects.exists()


def test_what_was_typed_is_kept_and_every_error_is_told_at_once(ana: User) -> None:
    page = text_of(submit(ana, script="echo <b>\r\n", cpus="none", memory="8 potatoes", environment="A"))
    for words in ("echo <b>", 'value="none"', 'value="8 potatoes"'):
        assert words in page
    assert set(re.findall(r'class="errorlist" id="id_(\w+)_error"', page)) == {
        "cpus",
        "memory",
        "environment",
    }


def test_the_folded_part_opens_for_a_value_or_an_error(ana: User) -> None:
    folded, opened = '<details class="fold"><summary>More', '<details class="fold" open><summary>More'
    assert folded in text_of(browser(ana).get("/jobs/new/"))
    assert folded in text_of(submit(ana, cpus="x"))
    assert opened in text_of(submit(ana, cpus="x", environment="A=1"))
    assert opened in text_of(submit(ana, work_dir="relative"))


def test_a_held_job_waits_for_its_owner(ana: User) -> None:
    submit(ana, hold="on")
    assert Job.objects.get().hold == "user"


def test_only_operators_see_and_set_a_priority(ana: User) -> None:
    assert "id_priority" not in text_of(browser(ana).get("/jobs/new/"))
    submit(ana, priority="5")
    assert Job.objects.get().priority == 0
    assert "id_priority" in text_of(browser(operator()).get("/jobs/new/"))
    submit(operator(), priority="5")
    assert Job.objects.latest("pk").priority == 5


def test_a_job_is_the_template_of_another(ana: User) -> None:
    job = making.ended(1, name="train", cpus=2, memory_mb=1536, arguments=("a b",), environment={"A": "1"})
    page = text_of(browser(ana).get(f"/jobs/new/?from={job.pk}"))
    for words in (
        'value="train"',
        'value="2"',
        'value="1536M"',
        'value="5m"',
        "a b</textarea>",
        "A=1</textarea>",
    ):
        assert words in page
    assert '<details class="fold" open>' in page


def test_a_template_of_anothers_job_is_without_the_values_of_its_variables(ana: User) -> None:
    job = making.queued(owner=making.user("lin"), environment={"KEY": "hunter2"})
    assert browser(ana).get(f"/jobs/new/?from={job.pk}").status_code == 404
    page = text_of(browser(viewer()).get(f"/jobs/new/?from={job.pk}"))
    assert "hunter2" not in page
    assert "without the values of its variables" in page


def test_a_rerun_is_a_new_job_at_once(ana: User) -> None:
    job = making.ended(1, name="train", environment={"A": "1"})
    answer = browser(ana).post(f"/jobs/{job.pk}/rerun/", follow=True)
    again = Job.objects.latest("pk")
    assert again.rerun_of == job
    assert (again.name, again.environment, again.source) == ("train", {"A": "1"}, "web")
    assert f"a rerun of {job.pk}" in text_of(answer)


def test_a_double_click_on_rerun_makes_one_job(ana: User) -> None:
    job = making.ended()
    client: Any = browser(ana)
    sent = {"form_key": rerun_key(client, job)}
    first, second = (client.post(f"/jobs/{job.pk}/rerun/", sent) for _ in range(2))
    again = Job.objects.latest("pk")
    assert first.url == second.url == f"/jobs/{again.pk}/"
    assert client.post(f"/jobs/{job.pk}/rerun/", {"form_key": rerun_key(client, job)}).url != first.url
    assert Job.objects.count() == 3


def test_a_key_that_another_job_has_used_makes_no_rerun(ana: User) -> None:
    submit(ana)
    job = making.ended()
    page = text_of(browser(ana).post(f"/jobs/{job.pk}/rerun/", {"form_key": "k1"}, follow=True))
    assert "was not run again" in page
    assert Job.objects.count() == 2


def rerun_key(client: Any, job: Job) -> str:
    """What the page's form carries."""
    found = re.search(r'name="form_key" value="([^"]+)"', text_of(client.get(f"/jobs/{job.pk}/")))
    assert found
    return found[1]


def test_a_job_that_runs_is_not_run_again(ana: User) -> None:
    job = making.active()
    page = text_of(browser(ana).post(f"/jobs/{job.pk}/rerun/", follow=True))
    assert "was not run again" in page
    assert Job.objects.count() == 1


def test_anothers_variables_do_not_leave_by_a_rerun(ana: User) -> None:
    secret = making.ended(environment={"KEY": "hunter2"})
    plain = making.ended()
    client = browser(operator())
    assert client.post(f"/jobs/{secret.pk}/rerun/").status_code == 403
    assert client.post(f"/jobs/{plain.pk}/rerun/").status_code == 302
    assert Job.objects.latest("pk").owner == operator()
