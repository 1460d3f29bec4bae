"""T21: a node that others had given up comes back, with every process there accounted for."""

import json
from dataclasses import asdict

import pytest

from jobs import fleet, lifecycle, states
from jobs.execution import launcher
from jobs.execution.durable import write_durably
from jobs.execution.launcher import Refused
from jobs.execution.order import GivenUpError, prepare
from jobs.execution.reconciliation import Reconciliation
from jobs.execution.settle import settle
from jobs.execution.station import Station
from jobs.execution.strays import Strays
from jobs.models import Node, NodeEvent
from jobs.states import EventKind, Service
from tests import making
from tests.eventually import eventually
from tests.jobs.execution import running

pytestmark = pytest.mark.django_db


def back(station: Station) -> Reconciliation:
    """As its agent would do it when it has just started."""
    return Reconciliation(station, Strays(station))


def service() -> str:
    return Node.objects.get(name="n1").service


def until_up(reconciliation: Reconciliation) -> None:
    def is_up() -> bool:
        reconciliation.look()
        return service() == Service.UP

    eventually(is_up, within=running.LONG, every=0.1)


@pytest.mark.parametrize("requeue", [False, True])
def test_f65_a_node_that_comes_back_kills_what_it_still_ran_before_it_is_up(
    station: Station, requeue: bool
) -> None:
    """F65: the row stays as it is; nothing of the old run lives when the node takes jobs again.

    What others may be running by now ends at the first look.
    """
    job = running.active(station, requeue=requeue)
    running.give_up(job)
    assert service() == Service.DOWN
    reconciliation = back(station)
    reconciliation.look()
    expected = (Service.UP, True) if requeue else (Service.RECONCILING, False)
    assert (service(), running.gone(station, job)) == expected
    until_up(reconciliation)
    assert running.gone(station, job)
    job.refresh_from_db()
    assert job.step == (states.QUEUED if requeue else states.FAILED)
    assert job.events.filter(kind=EventKind.STRAY_KILLED).count() == 1
    told = NodeEvent.objects.filter(kind__startswith="service").values_list("kind", "actor")
    assert list(told) == [
        ("service DOWN", "recovery"),
        ("service RECONCILING", "agent"),
        ("service UP", "agent"),
    ]


def test_f66_a_result_that_comes_too_late_is_told_once_and_changes_nothing(station: Station) -> None:
    """F66: the job had ended well while nobody could hear its node."""
    job = running.active(station, "exit 0")
    running.outcome_of(station.directory_of(job))
    running.give_up(job)
    until_up(back(station))
    Node.objects.update(service=Service.RECONCILING)
    until_up(back(station))
    late = job.events.get(kind=EventKind.LATE_RESULT)
    assert (late.evidence["exit_code"], late.evidence["attempt"]) == (0, 1)
    assert late.message == "Attempt 1 had run on n1: Ended with exit code 0."
    job.refresh_from_db()
    assert (job.step, job.exit_code) == (states.FAILED, None)


def test_what_was_recorded_in_time_is_no_late_result(station: Station) -> None:
    making.node(cpus=8)
    recorded, lost = running.active(station, "exit 3"), running.active(station)
    running.outcome_of(station.directory_of(recorded))
    assert lifecycle.finish(recorded, making.ending(3), actor="n1")
    running.give_up(lost)
    until_up(back(station))
    assert not recorded.events.filter(kind=EventKind.LATE_RESULT).exists()


def test_an_attempt_that_was_given_up_before_it_had_a_ticket_never_starts(station: Station) -> None:
    job = running.claimed(station, work_dir=str(station.spool.path.parent))
    running.give_up(job)
    until_up(back(station))
    directory = station.directory_of(job)
    with pytest.raises(GivenUpError):
        prepare(job, directory)
    running.write_request(directory, "true")
    assert isinstance(launcher.launch(directory), Refused)


def test_an_attempt_that_had_its_directory_and_no_ticket_never_starts(station: Station) -> None:
    job = running.claimed(station, work_dir=str(station.spool.path.parent))
    directory = station.directory_of(job)
    directory.make()
    prepare(job, directory)
    running.give_up(job)
    until_up(back(station))
    assert isinstance(launcher.launch(directory), Refused)


def test_a_live_job_of_a_node_that_comes_back_runs_on(station: Station) -> None:
    making.node(cpus=8)
    lives, lost = running.active(station), running.active(station)
    running.give_up(lost)
    until_up(back(station))
    assert (running.gone(station, lives), running.gone(station, lost)) == (False, True)
    lives.refresh_from_db()
    assert lives.step == states.ACTIVE


def test_what_an_operator_wants_of_a_node_stays(station: Station) -> None:
    job = running.active(station)
    fleet.ask_for(Node.objects.get(), Service.DOWN, "on fire", actor="op")
    back(station).look()
    assert service() == Service.UP
    running.give_up(job)
    until_up(back(station))
    node = Node.objects.get()
    assert (node.wanted, node.shown_service) == (Service.DOWN, Service.DOWN)


def test_a_node_that_is_given_up_again_meanwhile_stays_down(
    station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    running.give_up(running.claimed(station))
    reconciliation = back(station)
    node = Node.objects.get()

    def given_up(_: Strays) -> bool:
        Node.objects.update(service=Service.DOWN, service_reason=node.service_reason)
        return False

    monkeypatch.setattr(Strays, "left", given_up)
    reconciliation.look()
    assert service() == Service.DOWN


def test_a_run_that_fenced_itself_and_was_requeued_is_no_late_result(station: Station) -> None:
    job = running.active(station, "kill -9 $$", requeue=True)
    directory = station.directory_of(job)
    told = asdict(running.outcome_of(directory)) | {"cause": "fenced"}
    write_durably(directory.path / "exit.json", json.dumps(told).encode())
    assert settle(job, station)
    Node.objects.update(service=Service.RECONCILING)
    until_up(back(station))
    assert not job.events.filter(kind=EventKind.LATE_RESULT).exists()
