"""What ended attempts left in the spool: a late result is told once, what is old is deleted, nothing else."""

import json
import os
from collections.abc import Callable
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from pytest_django import Settings

from jobs import lifecycle
from jobs.execution import archive
from jobs.execution.archive import Archive
from jobs.execution.late_results import tell_if_late
from jobs.execution.records import Outcome
from jobs.execution.spool import AttemptDirectory
from jobs.execution.station import Station
from jobs.models import Job, JobEvent
from jobs.models.clock import database_now
from jobs.presentation.event import ShownEvent
from jobs.states import EventKind, Evidence, Reason
from tests import making
from tests.jobs.execution import running
from tests.jobs.execution.conftest import Process
from tests.jobs.execution.test_agent import ENDED
from tests.powerless import powerless

pytestmark = pytest.mark.django_db

Claim = Callable[[], Job]


@pytest.fixture
def at_once(settings: Settings) -> None:
    """Nothing is kept longer than its job."""
    settings.SPOOL_RETENTION = timedelta()


def told_end(directory: AttemptDirectory, outcome: Outcome = ENDED) -> None:
    """The wrapper's word, whenever it comes."""
    (directory.path / "exit.json").write_text(json.dumps(asdict(outcome)))


def lost(job: Job) -> Job:
    """Declared lost while its node was silent."""
    assert lifecycle.lose(job, Reason.NODE_FAIL, "lost", evidence=Evidence.NONE, actor="op")
    job.refresh_from_db()
    return job


def late_results(job: Job) -> list[JobEvent]:
    return list(job.events.filter(kind=EventKind.LATE_RESULT))


def row_of(job: Job) -> dict[str, object]:
    return dict(Job.objects.filter(pk=job.pk).values().get())


def test_f66_a_result_that_comes_after_the_job_was_declared_lost_is_told_once_and_changes_nothing(
    station: Station, claimed: Claim
) -> None:
    """F66: it had ended well while nobody could know."""
    job = lost(claimed())
    before = row_of(job)
    told_end(station.directory_of(job))
    for _ in range(3):
        Archive(station).sweep()
    (event,) = late_results(job)
    assert (event.actor, event.evidence["attempt"], event.evidence["exit_code"]) == ("n1", 1, 0)
    shown = ShownEvent(event, job)
    assert shown.headline == "A late result came"
    assert shown.more == "Attempt 1 had run on n1: Ended with exit code 0."
    assert row_of(job) == before
    assert station.directory_of(job).is_told()


def test_the_result_of_an_older_attempt_is_told_as_late(station: Station, claimed: Claim) -> None:
    job = claimed()
    older = station.directory_of(job)
    assert lifecycle.return_unstarted(job, actor="n1")
    making.place(job)
    told_end(older)
    Archive(station).sweep()
    assert [event.evidence["attempt"] for event in late_results(job)] == [1]


def test_a_late_result_whose_teller_was_killed_before_it_noted_that_is_told_once_all_the_same(
    station: Station, claimed: Claim
) -> None:
    job = lost(claimed())
    told_end(station.directory_of(job))
    for _ in range(2):
        Archive(station).sweep()
        (station.directory_of(job).path / "told").unlink()
    assert len(late_results(job)) == 1


def test_the_result_on_which_the_row_rests_is_not_late(station: Station, claimed: Claim) -> None:
    job = claimed()
    told_end(station.directory_of(job))
    assert lifecycle.finish(job, making.ending(), actor="n1")
    Archive(station).sweep()
    assert late_results(job) == []
    assert station.directory_of(job).outcome() == ENDED


def test_a_result_that_was_told_of_before_is_not_late(station: Station, claimed: Claim) -> None:
    job = lost(claimed())
    told_end(station.directory_of(job))
    station.directory_of(job).tell()
    Archive(station).sweep()
    assert late_results(job) == []


def test_the_result_of_a_job_that_runs_is_left_to_its_settling(station: Station, claimed: Claim) -> None:
    job = claimed()
    told_end(station.directory_of(job))
    Archive(station).sweep()
    assert late_results(job) == []
    assert station.directory_of(job).outcome() == ENDED


@pytest.mark.usefixtures("at_once")
def test_what_an_ended_job_left_is_deleted_with_all_its_attempts(station: Station, claimed: Claim) -> None:
    job = claimed()
    first = station.directory_of(job)
    assert lifecycle.return_unstarted(job, actor="n1")
    again = making.place(job)
    assert station.directory_of(again).make()
    assert lifecycle.cancel(again, actor="ana")
    Archive(station).sweep()
    assert not first.exists()
    assert not station.directory_of(again).exists()


def worked_in(job: Job) -> Path:
    """The private work directory of a job that has named none, with something in it."""
    directory: Path = django_settings.SCRATCH / str(job.pk)
    directory.mkdir(parents=True)
    (directory / "checkpoint").touch()
    return directory


@pytest.mark.usefixtures("at_once")
def test_the_private_work_directory_of_an_ended_job_is_deleted_with_the_rest(
    station: Station, claimed: Claim
) -> None:
    ended, running = claimed(), claimed()
    gone, kept = worked_in(ended), worked_in(running)
    lost(ended)
    Archive(station).sweep()
    assert not gone.exists()
    assert kept.exists()


def test_the_private_work_directory_of_an_ended_job_is_kept_for_its_time(
    station: Station, claimed: Claim
) -> None:
    job = claimed()
    directory = worked_in(job)
    lost(job)
    Archive(station).sweep()
    assert (directory / "checkpoint").exists()


@pytest.mark.usefixtures("at_once")
def test_a_work_directory_in_which_another_job_will_work_stays_with_what_tells_whose_it_is(
    station: Station, claimed: Claim
) -> None:
    ended = claimed()
    directory = worked_in(ended)
    waiting = making.queued(work_dir=f"{directory}/below")
    lost(ended)
    Archive(station).sweep()
    assert directory.exists()
    assert station.directory_of(ended).exists()
    assert lifecycle.cancel(waiting, actor="ana")
    Archive(station).sweep()
    assert not directory.exists()
    assert not station.directory_of(ended).exists()


@pytest.mark.usefixtures("at_once")
def test_what_a_job_that_has_not_ended_left_stays(station: Station, claimed: Claim) -> None:
    running, returned = claimed(), claimed()
    first = station.directory_of(returned)
    assert lifecycle.return_unstarted(returned, actor="n1")
    Archive(station).sweep()
    assert station.directory_of(running).exists()
    assert first.exists()


def test_what_an_ended_job_left_is_kept_for_its_time(station: Station, claimed: Claim) -> None:
    job = lost(claimed())
    Archive(station).sweep()
    assert station.directory_of(job).exists()


@pytest.mark.usefixtures("at_once")
def test_f32_what_nobody_has_a_row_of_stays(station: Station) -> None:
    """F32: an older backup was restored, and the rows of what ran since may still come back."""
    unknown = station.spool.attempt(10**9, 1)
    assert unknown.make()
    Archive(station).sweep()
    assert unknown.exists()


def test_what_a_forgotten_job_left_goes_whenever_its_node_looks(
    station: Station, claimed: Claim, marked: Callable[[str], Process]
) -> None:
    """The node was away when the job was forgotten. A process of it keeps it as long as it lives."""
    jobs = lost(claimed()), lost(claimed())
    directories = [station.directory_of(job) for job in jobs]
    assert lifecycle.forget(database_now() + making.A_MOMENT, at_most=2) == 2
    process = marked(directories[1].token)
    Archive(station).sweep()
    assert [directory.exists() for directory in directories] == [False, True]
    process.kill()
    process.wait()
    Archive(station).sweep()
    assert not directories[1].exists()


@pytest.mark.usefixtures("at_once")
def test_a_result_that_nobody_has_told_of_is_told_before_it_is_deleted(
    station: Station, claimed: Claim
) -> None:
    job = lost(claimed())
    told_end(station.directory_of(job))
    Archive(station).sweep()
    assert len(late_results(job)) == 1
    assert not station.directory_of(job).exists()


@pytest.mark.usefixtures("at_once")
def test_the_directory_of_a_wrapper_that_lives_is_never_deleted_though_its_row_is_final(
    station: Station,
) -> None:
    job = running.active(station)
    lost(job)
    for _ in range(2):
        Archive(station).sweep()
    assert running.ticket_of(station.directory_of(job)).wrapper is not None
    assert not running.gone(station, job)


def test_this_machines_clock_has_no_say_in_what_is_old(station: Station, claimed: Claim) -> None:
    job = lost(claimed())
    for path in (station.directory_of(job).path, *station.directory_of(job).path.iterdir()):
        os.utime(path, (0, 0))
    Archive(station).sweep()
    assert station.directory_of(job).exists()


@pytest.mark.usefixtures("at_once")
def test_nothing_is_deleted_under_a_process_that_lives(
    station: Station, claimed: Claim, marked: Callable[[str], Process]
) -> None:
    job = lost(claimed())
    process = marked(station.directory_of(job).token)
    Archive(station).sweep()
    assert station.directory_of(job).exists()
    process.kill()
    process.wait()
    Archive(station).sweep()
    assert not station.directory_of(job).exists()


@pytest.mark.usefixtures("at_once")
def test_a_link_that_a_job_left_leads_the_deletion_nowhere(
    station: Station, claimed: Claim, tmp_path: Path
) -> None:
    inside, whole = lost(claimed()), lost(claimed())
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis").write_text("dear")
    (station.directory_of(inside).path / "out").symlink_to(mine)
    station.directory_of(whole).path.rmdir()
    station.directory_of(whole).path.symlink_to(mine)
    Archive(station).sweep()
    assert not station.directory_of(inside).exists()
    assert (mine / "thesis").read_text() == "dear"


@pytest.mark.usefixtures("at_once")
def test_what_a_job_has_closed_or_built_very_deep_is_deleted_too(station: Station, claimed: Claim) -> None:
    directories = [station.directory_of(lost(claimed())).path for _ in range(3)]
    closed, deep, link = directories
    (closed / "tmp/go/mod").mkdir(parents=True)
    (closed / "tmp/go/mod/module.go").touch()
    for directory in (closed / "tmp/go/mod", closed / "tmp/go", closed):
        directory.chmod(0o555)
    build_deep(deep)
    link.rmdir()
    link.symlink_to("nowhere")
    with powerless():
        Archive(station).sweep()
    assert [path for path in directories if os.path.lexists(path)] == []


def build_deep(top: Path) -> None:
    """More directories in each other than Python's own removal can follow."""
    held = os.open(top, os.O_PATH)
    for _ in range(1100):
        os.mkdir("d", dir_fd=held)
        below = os.open("d", os.O_PATH, dir_fd=held)
        os.close(held)
        held = below
    os.close(held)


@pytest.mark.usefixtures("at_once")
def test_a_few_are_looked_at_in_one_sweep_and_the_next_goes_on(
    station: Station, claimed: Claim, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "A_FEW", 2)
    making.node(cpus=3)
    jobs = [claimed(), claimed(), *(lost(claimed()) for _ in range(3))]
    one = Archive(station)
    left = []
    for _ in range(3):
        one.sweep()
        left.append([station.directory_of(job).exists() for job in jobs])
    assert left == [
        [True, True, True, True, True],
        [True, True, False, False, True],
        [True, True, False, False, False],
    ]


class Odd(AttemptDirectory):
    """One in which a job has left something that nobody has thought of."""

    def outcome(self) -> Outcome | None:
        raise OverflowError


def test_whatever_an_attempt_has_left_there_is_told_to_the_log_and_to_nobody_else(
    station: Station, claimed: Claim, caplog: pytest.LogCaptureFixture
) -> None:
    job = lost(claimed())
    tell_if_late(job, Odd(station.spool, job.pk, job.attempt), station)
    assert f"job={job.pk} attempt=1: its result is not told" in caplog.text


def test_one_that_cannot_be_read_keeps_none_of_the_others_from_its_turn(
    station: Station, claimed: Claim
) -> None:
    odd, well = lost(claimed()), lost(claimed())
    (station.directory_of(odd).path / "exit.json").mkdir()
    told_end(station.directory_of(well))
    Archive(station).sweep()
    assert len(late_results(well)) == 1
