"""How a job's end, its use and its limits are told: on its page, and in the words that page and API share."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from jobs import lifecycle
from jobs.execution.containment import Containment
from jobs.models import Job, ResourceAllocation
from jobs.presentation import reasons
from jobs.presentation.exit_status import described, exit_status
from jobs.presentation.job import ShownJob
from jobs.presentation.usage import HEIGHT, WIDTH, ShownUsage
from jobs.states import Reason
from tests import making
from tests.web import browser, text_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("outbox")]

NOW = timezone.now()
POINTS = [[0.0, 0.0, 10.0], [5.0, 2.0, 512.0], [10.0, 1.0, 256.0]]


@pytest.mark.parametrize(
    ("code", "signal", "told"),
    [(0, None, "0:0"), (3, None, "3:0"), (None, 9, "0:9"), (255, None, "255:0"), (None, None, "")],
)
def test_an_exit_is_told_as_slurm_tells_it(code: int | None, signal: int | None, told: str) -> None:
    assert exit_status(code, signal) == told


def test_a_signal_has_its_name_and_a_core_dump_is_told() -> None:
    assert described(None, 11, core_dumped=True) == "0:11 (SIGSEGV, core dumped)"
    assert described(None, 63, core_dumped=False) == "0:63 (signal 63)"
    assert described(1, None, core_dumped=False) == "1:0"


@pytest.mark.parametrize("reason", [reason for reason in Reason if reason])
def test_every_reason_says_what_can_be_done(reason: Reason) -> None:
    assert reasons.ADVICE[reason].endswith(".")


def ran(**facts: Any) -> Job:
    """A job of ten seconds that asked for 2 CPUs and 1 GiB."""
    job = Job(cpus=2, memory_mb=1024, time_limit=timedelta(seconds=100), reason=Reason.NONE, **facts)
    job.started_at, job.ended_at = NOW, NOW + timedelta(seconds=10)
    return job


def test_what_was_used_is_told_beside_what_was_asked() -> None:
    usage = ShownUsage.of(ran(cpu_seconds=15.0, max_rss_mb=512.0), POINTS, NOW)
    told = [(share.title, share.asked, share.used, share.percent) for share in usage.shares]
    assert told == [
        ("CPU", "2 CPUs", "1.50 on average", 75),
        ("Memory", "1 GiB", "512 MiB at most", 50),
        ("Time", "1 min 40 s", "0:10", 10),
    ]


def test_a_job_of_which_nothing_was_measured_shows_its_time_alone() -> None:
    usage = ShownUsage.of(ran(), [], NOW)
    assert ([share.title for share in usage.shares], usage.curves, usage.hint) == (["Time"], [], "")
    assert ShownUsage.of(Job(), [], NOW).shares == []


def test_a_curve_stays_inside_its_drawing_also_when_more_was_used_than_asked() -> None:
    cpu, memory = ShownUsage.of(ran(), [[0, 9.0, 5000], [1, 0, 0], [7, 3.5, 1024]], NOW).curves
    for curve in (cpu, memory):
        places = [tuple(map(float, point.split(","))) for point in curve.points.split()]
        assert all(0 <= across <= WIDTH and 0 <= up <= HEIGHT for across, up in places)
        assert [across for across, _ in places] == sorted(across for across, _ in places)
        assert 0 < float(curve.asked_at) < HEIGHT
    assert cpu.words == "4.17 on average, 9.00 at most, of 2 CPUs"
    assert memory.words == "4.9 GiB at most, of 1 GiB"


@pytest.mark.parametrize(
    "points",
    [
        None,
        "odd",
        [[1]],
        [["a", 1, 1], [2, 1, 1]],
        [[1, 1, float("nan")], [1, -1, 1]],
        [[5, 1, 1], [4, 1, 1]],
    ],
)
def test_odd_measurements_make_no_curve_and_no_fault(points: object) -> None:
    assert ShownUsage.of(ran(), points, NOW).curves == []


def test_a_job_that_asked_for_far_too_much_is_told_so() -> None:
    job = ran(exit_code=0, max_rss_mb=100.0)
    job.ended_at = NOW + timedelta(minutes=5)
    assert ShownUsage.of(job, [], NOW).hint.startswith("It used 10 % of the memory")
    job.max_rss_mb = 900.0
    assert ShownUsage.of(job, [], NOW).hint == ""


def test_the_page_tells_the_end_the_use_and_how_the_limits_held() -> None:
    job = making.active(cpus=2, memory_mb=1024)
    table = Containment().table()
    ResourceAllocation.objects.filter(job=job).update(usage=POINTS, enforcement=table)
    assert lifecycle.finish(
        job, making.ending(None, exit_signal=11, cpu_seconds=2.0, core_dumped=True), actor="n1"
    )
    Job.objects.filter(pk=job.pk).update(last_words="Segmentation \x1b[31mfault\n<b>")
    page = text_of(browser(job.owner).get(job.get_absolute_url()))
    for words in (
        "0:11 (SIGSEGV, core dumped)",
        "Segmentation fault\n<b></pre>",
        reasons.ADVICE[Reason.RAISED_SIGNAL],
        'aria-label="CPU over time: 1.00 on average, 2.00 at most, of 2 CPUs.',
        "<polyline points=",
        '<span class="level advisory">advisory</span>',
        table["separation"]["sentence"],
    ):
        assert words in page


def test_a_job_that_ended_well_needs_no_advice() -> None:
    assert ShownJob(making.ended(), NOW).advice == ""
    assert ShownJob(making.ended(3), NOW).advice == reasons.ADVICE[Reason.NON_ZERO_EXIT_CODE]


def test_the_api_tells_the_same() -> None:
    job = making.active()
    ResourceAllocation.objects.filter(job=job).update(usage=POINTS, enforcement=Containment().table())
    told = browser(job.owner).get(f"/api/v1/jobs/{job.pk}/").json()
    assert told["allocation"]["usage"] == POINTS
    assert told["allocation"]["enforcement"]["memory"]["level"] == "advisory"
    assert (told["exit_status"], told["advice"], told["core_dumped"]) == ("", "", False)
