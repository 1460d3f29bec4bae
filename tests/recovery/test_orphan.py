"""OrphanJobRecoveryStrategy: a running job of this node is settled by its spool and its processes."""

import dataclasses
import json
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest

from jobs import lifecycle, states
from jobs.execution import processes
from jobs.execution.durable import write_durably
from jobs.execution.hands import Hands
from jobs.execution.settle import settle
from jobs.execution.spool import Spool
from jobs.execution.station import Station
from jobs.execution.verdict import TicketKind
from jobs.models import Job, ResourceAllocation
from jobs.models.clock import database_now
from jobs.states import Evidence, Reason, State
from recovery.result import Outcome
from recovery.strategies import OrphanJobRecoveryStrategy
from tests import making
from tests.eventually import eventually
from tests.jobs.execution import running

pytestmark = pytest.mark.django_db

FORGED = json.dumps(
    {"exit_code": 0, "exit_signal": None, "cause": None, "launch_error": None}
    | {"cpu_seconds": 0.1, "max_rss_kb": 1, "wall_seconds": 0.1}
)


def sweep(station: Station, *, dry_run: bool = False) -> dict[int, Outcome]:
    """What one sweep of this node decides, by job."""
    decisions = OrphanJobRecoveryStrategy(station).sweep(database_now(), dry_run=dry_run)
    return {decision.job: decision.outcome for decision in decisions}


def fresh(job: Job) -> Job:
    job.refresh_from_db()
    return job


def ended_unseen(station: Station, script: str = "exit 7", **changes: Any) -> Job:
    """A job that has ended while nobody listened."""
    job = running.active(station, script, **changes)
    running.outcome_of(station.directory_of(job))
    return job


def test_a_job_that_runs_as_it_should_is_left_alone(station: Station) -> None:
    job = running.active(station)
    assert sweep(station) == {}
    assert fresh(job).step == states.ACTIVE
    assert not running.gone(station, job)


def test_an_end_that_nobody_saw_is_recorded_exactly_and_once(station: Station) -> None:
    """F25, F42: a second look changes nothing."""
    job = ended_unseen(station)
    assert sweep(station) == {job.pk: Outcome.RECOVERED}
    assert (fresh(job).state, job.exit_code, job.evidence) == (State.FAILED, 7, Evidence.SPOOL)
    assert making.held_by(job) == []
    assert sweep(station) == {}


def test_a_start_that_nobody_recorded_is_recorded_from_the_ticket(station: Station) -> None:
    job = running.launched(station)
    assert sweep(station) == {job.pk: Outcome.RECOVERED}
    assert fresh(job).step == states.ACTIVE
    assert making.held_by(job)[0].has_identity


def test_a_claimed_job_that_never_started_goes_back_and_never_will_start(station: Station) -> None:
    """F35: its ticket is a tombstone now."""
    job = running.claimed(station)
    directory = station.directory_of(job)
    assert sweep(station) == {job.pk: Outcome.RECOVERED}
    assert (fresh(job).step, job.unstarted) == (states.QUEUED, 1)
    assert running.ticket_of(directory).is_tombstone


def test_a_return_that_was_interrupted_is_finished(station: Station) -> None:
    job = running.claimed(station)
    station.directory_of(job).make()
    station.directory_of(job).bury()
    assert sweep(station) == {job.pk: Outcome.RECOVERED}
    assert fresh(job).step == states.QUEUED


def test_a_job_in_a_worker_threads_hand_is_left_to_it(spool: Spool) -> None:
    hands = Hands(patience=60)
    station = Station("n1", spool, hands=hands)
    job = running.claimed(station)
    with hands.taking((job.pk, 1)):
        assert sweep(station) == {}
    assert sweep(station) == {job.pk: Outcome.RECOVERED}


def test_an_end_that_is_written_while_the_node_looks_is_found(station: Station) -> None:
    """Its wrapper writes and leaves between the look for exit.json and the one for the wrapper."""
    job = running.active(station)
    directory = station.directory_of(job)

    def marked(token: str) -> list[processes.Identity]:
        (directory.path / "exit.json").write_text(FORGED)
        return []

    ticket = running.ticket_of(directory)
    running.kill(ticket.wrapper, ticket.job)
    assert station.observe(job, marked).has_outcome


def test_a_job_whose_wrapper_and_process_are_gone_is_lost(station: Station) -> None:
    """F36, F40: and what it held is free."""
    job = running.active(station)
    ticket = running.ticket_of(station.directory_of(job))
    running.kill(ticket.wrapper, ticket.job)
    processes.kill_tree(station.directory_of(job).token, [])
    assert sweep(station) == {job.pk: Outcome.RECOVERED}
    assert (fresh(job).state, job.reason) == (State.FAILED, Reason.SUPERVISOR_LOST)
    assert (job.evidence, making.held_by(job)) == (Evidence.ABSENCE, [])


def test_a_lost_job_that_was_to_be_cancelled_is_cancelled(station: Station) -> None:
    job = running.active(station)
    lifecycle.cancel(job, actor="ana")
    ticket = running.ticket_of(station.directory_of(job))
    running.kill(ticket.wrapper, ticket.job)
    processes.kill_tree(station.directory_of(job).token, [])
    sweep(station)
    assert fresh(job).state == State.CANCELLED


def test_a_job_that_has_lost_its_wrapper_lives_on_until_its_own_end(station: Station) -> None:
    """F39: it is adopted."""
    job = running.active(station)
    ticket = running.ticket_of(station.directory_of(job))
    running.kill(ticket.wrapper)
    (left,) = OrphanJobRecoveryStrategy(station).sweep(database_now(), dry_run=False)
    assert (left.outcome, left.detail[:19]) == (Outcome.SKIPPED, "its wrapper is gone")
    assert fresh(job).step == states.ACTIVE
    running.kill(ticket.job)
    processes.kill_tree(station.directory_of(job).token, [])
    assert sweep(station) == {job.pk: Outcome.RECOVERED}
    assert fresh(job).reason == Reason.SUPERVISOR_LOST


def test_a_job_without_its_wrapper_can_still_be_cancelled(station: Station) -> None:
    """F39: by the agent."""
    job = running.active(station)
    running.kill(running.ticket_of(station.directory_of(job)).wrapper)
    lifecycle.cancel(job, actor="ana")
    assert sweep(station) == {job.pk: Outcome.RECOVERED}
    assert (fresh(job).state, job.reason, job.exit_code) == (State.CANCELLED, Reason.CANCELLED, None)
    assert job.detail == (
        "Cancelled by ana while it ran; its supervisor could not be asked, so the node killed it,"
        " and its exit code is not known."
    )
    assert running.gone(station, job)


def test_a_job_without_its_wrapper_ends_at_its_limit(station: Station) -> None:
    """F39: by the agent's hand."""
    job = running.active(station)
    running.kill(running.ticket_of(station.directory_of(job)).wrapper)
    Job.objects.filter(pk=job.pk).update(limit_at=database_now())
    assert sweep(station) == {job.pk: Outcome.RECOVERED}
    assert (fresh(job).state, job.reason) == (State.FAILED, Reason.TIME_LIMIT)
    assert job.detail.startswith("Its limit was over and its supervisor did nothing")
    assert running.gone(station, job)


def test_a_stopping_job_is_asked_at_every_sweep_and_ended_by_its_own_wrapper(station: Station) -> None:
    job = running.active(station)
    lifecycle.cancel(job, actor="ana")
    assert sweep(station) == {job.pk: Outcome.SKIPPED}
    outcome = running.outcome_of(station.directory_of(job))
    assert (outcome.cause, outcome.exit_signal) == ("cancel", signal.SIGTERM)
    assert sweep(station) == {job.pk: Outcome.RECOVERED}
    assert fresh(job).state == State.CANCELLED


def test_after_a_restart_of_the_machine_what_ran_is_failed_and_what_had_ended_is_recorded(
    station: Station, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F62: the boot id is another."""
    making.node(cpus=8)
    ran, had_ended = running.active(station), ended_unseen(station, "true")
    running.kill(running.ticket_of(station.directory_of(ran)).wrapper)
    processes.kill_tree(station.directory_of(ran).token, [])
    (tmp_path / "boot_id").write_text("another boot")
    monkeypatch.setenv("JOBSITE_BOOT_ID_FILE", str(tmp_path / "boot_id"))
    after = Station("n1", station.spool)
    assert sweep(after) == {ran.pk: Outcome.RECOVERED, had_ended.pk: Outcome.RECOVERED}
    assert (fresh(ran).reason, ran.evidence) == (Reason.NODE_FAIL, Evidence.BOOT)
    assert fresh(had_ended).state == State.COMPLETED


def test_a_job_of_another_spool_is_adopted_while_it_lives_and_lost_when_it_does_not(
    station: Station, tmp_path: Path
) -> None:
    job = running.active(station)
    other = Station("n1", Spool.open(tmp_path / "other"))
    assert sweep(other) == {job.pk: Outcome.SKIPPED}
    assert fresh(job).step == states.ACTIVE
    processes.kill_tree(station.directory_of(job).token, [])
    assert sweep(other) == {job.pk: Outcome.RECOVERED}
    assert fresh(job).reason == Reason.SUPERVISOR_LOST


def test_a_job_that_was_claimed_with_another_spool_is_never_called_unstarted(
    station: Station, tmp_path: Path
) -> None:
    """It may have run: what tells of that is in the other spool."""
    job = making.placed()
    assert lifecycle.start(job, boot_id=station.boot_id, spool_id=station.spool.spool_id, actor="n1")
    other = Station("n1", Spool.open(tmp_path / "other"))
    assert sweep(other) == {job.pk: Outcome.RECOVERED}
    assert fresh(job).reason == Reason.SUPERVISOR_LOST


def test_a_job_of_another_spool_and_another_boot_is_failed(
    station: Station, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = running.active(station)
    running.kill(running.ticket_of(station.directory_of(job)).wrapper)
    processes.kill_tree(station.directory_of(job).token, [])
    (tmp_path / "boot_id").write_text("another boot")
    monkeypatch.setenv("JOBSITE_BOOT_ID_FILE", str(tmp_path / "boot_id"))
    other = Station("n1", Spool.open(tmp_path / "other"))
    assert sweep(other) == {job.pk: Outcome.RECOVERED}
    assert (fresh(job).reason, job.evidence) == (Reason.NODE_FAIL, Evidence.BOOT)


def test_a_job_whose_directory_is_gone_lives_on_and_can_still_be_cancelled(station: Station) -> None:
    job = running.active(station)
    shutil.rmtree(station.directory_of(job).path)
    assert sweep(station) == {job.pk: Outcome.SKIPPED}
    assert (fresh(job).step, running.gone(station, job)) == (states.ACTIVE, False)
    lifecycle.cancel(job, actor="ana")
    assert sweep(station) == {job.pk: Outcome.RECOVERED}
    assert (fresh(job).state, running.gone(station, job)) == (State.CANCELLED, True)


def test_a_wrapper_that_links_its_ticket_first_keeps_its_job(
    station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = running.launched(station)
    seen = station.observe(job)
    before = dataclasses.replace(seen, ticket=TicketKind.NONE, wrapper_alive=False, process_alive=False)
    looks = iter([before, seen])
    monkeypatch.setattr(station, "observe", lambda _: next(looks))
    assert settle(job, station)
    assert (fresh(job).step, job.unstarted, running.gone(station, job)) == (states.ACTIVE, 0, False)


def test_another_process_of_the_same_number_is_neither_adopted_nor_signalled(station: Station) -> None:
    """F59: its start ticks are others."""
    job = running.claimed(station)
    directory = station.directory_of(job)
    directory.make()
    stranger = processes.identify(1)
    assert stranger is not None
    content = {"boot_id": station.boot_id, "wrapper_pid": 1, "wrapper_ticks": stranger.start_ticks + 1}
    write_durably(directory.path / "ticket", json.dumps({**content, "pid": 1, "start_ticks": 7}).encode())
    assert sweep(station) == {job.pk: Outcome.RECOVERED}
    assert fresh(job).reason == Reason.SUPERVISOR_LOST


def test_jobs_of_other_nodes_are_not_touched(station: Station) -> None:
    job = running.active(station)
    running.kill(running.ticket_of(station.directory_of(job)).wrapper)
    assert sweep(Station("n2", station.spool)) == {}


def test_an_end_that_cannot_be_read_is_no_end_and_the_others_are_settled(
    station: Station, caplog: pytest.LogCaptureFixture
) -> None:
    making.node(cpus=8)
    torn, other = ended_unseen(station), ended_unseen(station)
    (station.directory_of(torn).path / "exit.json").write_text("{")
    assert sweep(station) == {torn.pk: Outcome.RECOVERED, other.pk: Outcome.RECOVERED}
    assert (fresh(torn).reason, fresh(other).exit_code) == (Reason.SUPERVISOR_LOST, 7)
    assert "exit.json cannot be read" in caplog.text


def test_a_ticket_that_cannot_be_read_is_some_wrappers_so_the_attempt_never_runs_again(
    station: Station,
) -> None:
    job = running.claimed(station)
    station.directory_of(job).make()
    (station.directory_of(job).path / "ticket").write_text("{")
    assert sweep(station) == {job.pk: Outcome.RECOVERED}
    assert (fresh(job).state, job.reason) == (State.FAILED, Reason.SUPERVISOR_LOST)


def test_an_end_of_the_jobs_own_making_counts_for_nothing_while_it_lives(station: Station) -> None:
    job = running.active(
        station,
        'printf %s "$FORGED" > $TMPDIR/../exit.json; echo up; sleep 600 & wait',
        environment={"FORGED": FORGED},
    )
    directory = station.directory_of(job)
    running.until_said(directory, "up")
    assert directory.outcome() is not None
    assert sweep(station) == {}
    running.kill(running.ticket_of(directory).wrapper)
    assert sweep(station) == {job.pk: Outcome.SKIPPED}
    assert fresh(job).step == states.ACTIVE


def test_the_jobs_children_count_too_when_it_made_up_its_end(station: Station) -> None:
    script = 'printf %s "$FORGED" > $TMPDIR/../exit.json; (sleep 600 & echo up) & wait; kill -9 $PPID'
    job = running.active(station, script, environment={"FORGED": FORGED})
    wrapper = running.ticket_of(station.directory_of(job)).wrapper
    assert wrapper is not None
    eventually(lambda: not processes.is_alive(wrapper), within=running.LONG)
    assert sweep(station) == {job.pk: Outcome.SKIPPED}
    assert fresh(job).step == states.ACTIVE


@pytest.mark.parametrize(("requeue", "step"), [(True, states.QUEUED), (False, states.FAILED)])
def test_a_run_that_fenced_itself_is_requeued_if_its_owner_allows_it(
    station: Station, requeue: bool, step: states.Step
) -> None:
    job = running.active(station, "kill -9 $$", requeue=requeue)
    directory = station.directory_of(job)
    told = dataclasses.asdict(running.outcome_of(directory)) | {"cause": "fenced"}
    (directory.path / "exit.json").write_text(json.dumps(told))
    assert sweep(station) == {job.pk: Outcome.RECOVERED}
    assert (fresh(job).step, job.unstarted, making.held_by(job)) == (step, 0, [])


def test_a_stopped_wrapper_can_be_cancelled(station: Station) -> None:
    job = running.active(station)
    wrapper = running.ticket_of(station.directory_of(job)).wrapper
    assert wrapper is not None
    processes.send(wrapper, signal.SIGSTOP)
    lifecycle.cancel(job, actor="ana")
    sweep(station)
    assert running.outcome_of(station.directory_of(job)).cause == "cancel"


def test_a_start_that_only_an_adopted_jobs_ticket_tells_of_is_never_forgotten(station: Station) -> None:
    job = running.launched(station)
    ticket = running.ticket_of(station.directory_of(job))
    running.kill(ticket.wrapper)
    assert sweep(station) == {job.pk: Outcome.RECOVERED}
    assert (fresh(job).step, making.held_by(job)[0].has_identity) == (states.ACTIVE, True)
    shutil.rmtree(station.directory_of(job).path)
    running.kill(ticket.job)
    processes.kill_tree(station.directory_of(job).token, [])
    assert sweep(station) == {job.pk: Outcome.RECOVERED}
    assert (fresh(job).state, job.reason) == (State.FAILED, Reason.SUPERVISOR_LOST)


def test_a_job_whose_allocation_is_gone_keeps_none_of_the_others_from_being_settled(station: Station) -> None:
    making.node(cpus=8)
    odd, well = running.active(station), ended_unseen(station)
    ResourceAllocation.objects.filter(job=odd).delete()
    assert sweep(station) == {odd.pk: Outcome.FAILED, well.pk: Outcome.RECOVERED}


def test_a_dry_run_changes_nothing(station: Station) -> None:
    making.node(cpus=8)
    job, unstarted = ended_unseen(station), running.claimed(station)
    before = list(Job.objects.values()), list(ResourceAllocation.objects.values())
    found = {job.pk: Outcome.RECOVERABLE, unstarted.pk: Outcome.RECOVERABLE}
    assert sweep(station, dry_run=True) == found
    assert (list(Job.objects.values()), list(ResourceAllocation.objects.values())) == before
    assert not station.directory_of(unstarted).exists()


def test_two_sweeps_that_found_the_same_record_it_once(station: Station) -> None:
    """F42: the second one loses."""
    job = ended_unseen(station)
    strategy = OrphanJobRecoveryStrategy(station)
    (first,), (second,) = list(strategy.find(database_now())), list(strategy.find(database_now()))
    assert (strategy.mend(first), strategy.mend(second)) == (True, False)
    assert list(fresh(job).events.values_list("kind", flat=True)).count("finished") == 1
