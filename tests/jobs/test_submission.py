"""One way in for every request: it is read by the platform's present rules, and runs again as it was."""

from datetime import timedelta
from typing import Any

import pytest

from jobs import submission
from jobs.errors import InvalidSpec
from jobs.files import Files
from jobs.models import Job, Partition
from jobs.models.job_rules import LONGEST_TIME_LIMIT
from jobs.states import OpenMode, Source
from jobs.warning_signal import WarningSignal
from tests import making
from tests.web import operator

pytestmark = pytest.mark.django_db


def submit(**fields: Any) -> Job:
    job, _ = submission.submit({"script": "true", **fields}, making.user(), source=Source.WEB)
    return job


def test_a_request_becomes_a_job_with_what_the_partition_says() -> None:
    Partition.objects.update(default_time_limit=timedelta(minutes=7))
    assert submit().time_limit == timedelta(minutes=7)


def test_a_request_without_a_partition_goes_to_the_default_one() -> None:
    Partition.objects.create(name="other")
    assert submit().partition.name == "default"
    assert submit(partition="other").partition.name == "other"


def test_a_platform_without_a_default_partition_says_which_there_are() -> None:
    Partition.objects.update(is_default=False)
    with pytest.raises(InvalidSpec, match="There are: default"):
        submit()


def test_the_rules_tell_every_node_in_two_queries_and_one_more_for_nobody(
    django_assert_num_queries: Any,
) -> None:
    for number in range(5):
        making.node(f"n{number}")
    with django_assert_num_queries(2):
        rules, default = submission.partition_rules()
    assert default == "default"
    assert [node.name for node in rules[0].nodes] == ["n0", "n1", "n2", "n3", "n4"]


def test_a_job_that_has_ended_runs_again_as_it_was() -> None:
    job = making.ended(
        3,
        name="again",
        arguments=("a b",),
        environment={"A": "1"},
        memory_mb=777,
        time_limit=timedelta(hours=2),
        files=Files("in", "out-%j", "err", OpenMode.APPEND),
        warning=WarningSignal(10, 30, to_shell=True),
        requeue=True,
        max_attempts=7,
    )
    again = submission.rerun(job, job.owner, source=Source.WEB)
    assert (again.rerun_of, again.attempt, again.phase) == (job, 0, "QUEUED")
    for column in (
        "script", "name", "arguments", "environment", "cpus", "memory_mb", "gpus", "time_limit", "stdin_path",
        "stdout_path", "stderr_path", "open_mode", "warning", "requeue", "max_attempts",
    ):  # fmt: skip
        assert getattr(again, column) == getattr(job, column), column


@pytest.mark.parametrize("seconds", [1, 59, 100, 3601, 86_399, 600_001, 7 * 86_400])
def test_a_job_of_any_limit_runs_again_with_the_same(seconds: int) -> None:
    job = making.ended(time_limit=timedelta(seconds=seconds))
    assert submission.rerun(job, job.owner, source=Source.WEB).time_limit == timedelta(seconds=seconds)


def test_a_job_that_runs_does_not_run_again_yet() -> None:
    job = making.active()
    with pytest.raises(InvalidSpec, match="has not ended yet"):
        submission.rerun(job, job.owner, source=Source.WEB)


def test_a_job_that_may_no_longer_be_asked_for_does_not_run_again() -> None:
    job = making.ended(cpus=2)
    making.node(cpus=1)
    with pytest.raises(InvalidSpec, match="asks for 2 CPUs"):
        submission.rerun(job, job.owner, source=Source.WEB)


def test_a_priority_that_only_operators_give_does_not_come_with_another_run() -> None:
    job = making.ended(priority=5)
    assert submission.rerun(job, job.owner, source=Source.WEB).priority == 0
    assert submission.rerun(job, operator(), source=Source.WEB).priority == 5


def test_a_job_never_asks_for_more_than_the_platforms_longest_limit() -> None:
    Partition.objects.update(max_time_limit=10 * LONGEST_TIME_LIMIT)
    with pytest.raises(InvalidSpec, match="365 days"):
        submit(time_limit="366-00")
    assert submit(time_limit="365-00").time_limit == LONGEST_TIME_LIMIT
