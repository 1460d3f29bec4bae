"""The list of jobs: whose, in which state, on which page, and at what cost."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from jobs import fleet, lifecycle
from tests import making
from tests.web import browser, operator, text_of, viewer

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("outbox")]


def listed(page: str) -> list[int]:
    """The numbers of the jobs in the list, from the top."""
    return [int(number) for number in re.findall(r'class="n id" role="cell"><a href="/jobs/(\d+)/"', page)]


def test_home_is_the_list() -> None:
    assert browser(making.user()).get("/").url == "/jobs/"  # type: ignore[attr-defined]


def test_the_list_is_mine_newest_first() -> None:
    mine = [making.queued().pk, making.queued().pk]
    making.queued(owner=making.user("lin"))
    assert listed(text_of(browser(making.user()).get("/jobs/"))) == mine[::-1]


def test_operators_and_viewers_may_see_everyones() -> None:
    other = making.queued(owner=making.user("lin"), name="not-mine")
    for reader in (operator(), viewer()):
        client = browser(reader)
        assert listed(text_of(client.get("/jobs/"))) == []
        page = text_of(client.get("/jobs/?show=all"))
        assert listed(page) == [other.pk]
        assert '<td class="owner" role="cell">lin</td>' in page


def test_others_see_only_their_own_whatever_they_ask_for() -> None:
    making.queued(owner=making.user("lin"))
    mine = making.queued()
    assert listed(text_of(browser(mine.owner).get("/jobs/?show=all"))) == [mine.pk]


def test_each_state_has_a_tab_with_its_count() -> None:
    making.ended()
    making.ended(1)
    making.ended(2)
    waiting = making.queued()
    assert lifecycle.cancel(making.queued(), actor="ana")
    page = text_of(browser(waiting.owner).get("/jobs/"))
    tabs = re.findall(r"</svg>(\w+) <b>(\d+)</b>", page)
    assert tabs == [
        ("Pending", "1"),
        ("Running", "0"),
        ("Completed", "1"),
        ("Failed", "2"),
        ("Cancelled", "1"),
    ]
    assert "All <b>5</b>" in page


def test_a_tab_lists_its_state_and_the_address_says_so() -> None:
    making.ended()
    failed = making.ended(1)
    assert listed(text_of(browser(failed.owner).get("/jobs/?state=failed"))) == [failed.pk]


def test_pages_follow_each_other_without_gap_or_overlap() -> None:
    numbers = [making.queued().pk for _ in range(120)][::-1]
    client = browser(making.user())
    seen, address, pages = [], "/jobs/?state=pending", []
    while address:
        page = text_of(client.get(address))
        seen += listed(page)
        pages.append(listed(page))
        older = re.search(r'rel="next" href="([^"]+)"', page)
        address = older[1] if older else ""
    assert seen == numbers
    newer = re.search(r'rel="prev" href="([^"]+)"', page)
    assert newer
    assert listed(text_of(client.get(newer[1]))) == numbers[50:100]
    assert [len(page) for page in pages] == [50, 50, 20]


def test_a_list_without_jobs_says_what_a_job_is_and_how_to_make_one() -> None:
    page = text_of(browser(making.user()).get("/jobs/"))
    assert "No jobs yet" in page
    assert "jobsite run -- echo hello" in page
    assert 'href="/jobs/new/"' in page


def test_a_state_without_jobs_says_that_nothing_matches() -> None:
    job = making.queued()
    page = text_of(browser(job.owner).get("/jobs/?state=failed"))
    assert "Nothing matches" in page
    assert "You have no job that is failed." in page
    assert "No jobs yet" not in page


@pytest.mark.parametrize("query", ["state=lost", "before=x", "after=-1", "before=99999999999999999999"])
def test_an_odd_address_is_told_what_is_allowed(query: str) -> None:
    answer = browser(making.user()).get(f"/jobs/?{query}")
    assert answer.status_code == 400
    assert "That does not make sense" in text_of(answer)


def queries_of_the_list(user_name: str) -> list[str]:
    client = browser(making.user(user_name))
    with CaptureQueriesContext(connection) as queries:
        assert client.get("/jobs/").status_code == 200
    return [query["sql"] for query in queries.captured_queries]


def test_fifty_rows_cost_as_many_queries_as_one() -> None:
    making.active(owner=making.user("one"), memory_mb=1)
    for _ in range(50):
        making.node(cpus=100)  # heard again each time: on a busy machine it would be deaf by the end
        making.active(owner=making.user("fifty"), memory_mb=1)
    assert len(queries_of_the_list("fifty")) == len(queries_of_the_list("one")) <= 6


def test_the_list_never_reads_a_script() -> None:
    making.queued()
    for sql in queries_of_the_list("ana"):
        assert not re.search(r'"(script|environment|arguments)"', sql)


def test_the_bar_tells_what_is_given_away_of_all() -> None:
    making.node(cpus=8, memory_mb=16384, gpus=2)
    job = making.active(cpus=3, memory_mb=4096, gpus=1)
    page = re.sub(r"<[^>]+>|\s+", " ", text_of(browser(job.owner).get("/jobs/")))
    bar = " ".join(page.split())
    for words in ("CPU 3 /8", "Mem 4 GiB /16 GiB", "GPU 1 /2", "1 of 1 node up"):
        assert words in bar


def test_a_node_without_an_agent_is_not_up() -> None:
    making.node()
    fleet.enrol("n2", cpus=1, memory_mb=64, gpus=0)
    assert "1 of 2 nodes up" in text_of(browser(making.user()).get("/jobs/"))
