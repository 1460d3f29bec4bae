"""Each invariant of processes, spool and history is broken once by hand, and is seen to be broken."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from celery import current_app
from django.conf import settings
from django.core.management import call_command

from jobs import lifecycle, messages
from jobs.execution import processes, procfs
from jobs.execution.processes import Identity
from jobs.execution.spool import Spool
from jobs.execution.station import Station
from jobs.models import Job, JobEvent, Node
from jobs.states import EventKind, Phase, Service
from recovery.invariants import verify
from recovery.invariants.check import BEYOND_ROWS
from tests import making
from tests.jobs.execution import running

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("broker")]


@pytest.fixture
def station(spool: Spool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Station:
    """The station of n1, in the place where the platform's own would be."""
    monkeypatch.setattr(settings, "JOBSITE_VAR", tmp_path / "var")
    monkeypatch.setenv("PGPASSWORD", "another-long-password")
    monkeypatch.setattr(settings, "LISTEN_DATABASE_URL", "postgresql://jobsite:%C3%A4-long-password@db/x")
    making.node(cpus=8)
    return Station("n1", Spool.open(tmp_path / "var" / "spool" / "n1"))


def broken() -> set[str]:
    return {violation.invariant for violation in verify()}


def a_node_once_gave_more_than_it_has(station: Station) -> None:
    placed = making.active().events.get(kind=EventKind.PLACED)
    JobEvent.objects.filter(pk=placed.pk).update(evidence={**placed.evidence, "cpus": 99})


def a_process_of_a_final_job_lives(station: Station) -> None:
    job = running.active(station)
    lifecycle.finish(job, making.ending(0), actor="n1")


def two_attempts_of_a_job_live(station: Station) -> None:
    for attempt in (1, 2):
        running.started(station.spool, running.WAITS, attempt=attempt)


def nothing_of_a_running_job_lives(station: Station) -> None:
    job = running.active(station)
    ticket = running.ticket_of(station.directory_of(job))
    running.kill(ticket.wrapper, ticket.job)
    assert processes.kill_tree(station.directory_of(job).token, [])


def a_running_jobs_directory_is_gone(station: Station) -> None:
    job = running.active(station)
    shutil.rmtree(station.directory_of(job).path)


def a_request_holds_the_secret_key(station: Station) -> None:
    directory = running.prepared(station.spool, "true")
    (directory.path / "request.json").write_text(f'{{"environment": {{"KEY": "{settings.SECRET_KEY}"}}}}')


def a_wrappers_log_holds_the_secret_key(station: Station) -> None:
    directory = running.prepared(station.spool, "true")
    (directory.path / "wrapper.log").write_text(f"Traceback … {settings.SECRET_KEY}")


def a_job_was_given_the_secret_key(station: Station) -> None:
    directory = station.spool.attempt(1, 1)
    environment = {"PATH": os.defpath, procfs.MARKER: directory.token, "KEY": settings.SECRET_KEY}
    running.started(station.spool, running.WAITS, environment=environment)


def a_job_was_given_a_servers_password(station: Station) -> None:
    running.started(station.spool, running.WAITS, arguments=["ä-long-password"])


def a_job_was_given_the_password_of_libpq(station: Station) -> None:
    running.started(station.spool, running.WAITS, arguments=["another-long-password"])


def a_message_waits_that_nobody_sent(station: Station) -> None:
    messages.publish(making.placed().pk, 1, "n1")


BROKEN: list[tuple[str, Callable[[Station], None]]] = [
    ("L4", a_message_waits_that_nobody_sent),
    ("I6 (history)", a_node_once_gave_more_than_it_has),
    ("I7, I8", a_process_of_a_final_job_lives),
    ("L1 (node)", nothing_of_a_running_job_lives),
    ("I3", two_attempts_of_a_job_live),
    ("I5 (spool)", a_running_jobs_directory_is_gone),
    ("I18", a_request_holds_the_secret_key),
    ("I18", a_wrappers_log_holds_the_secret_key),
    ("I18 (processes)", a_job_was_given_the_secret_key),
    ("I18 (processes)", a_job_was_given_a_servers_password),
    ("I18 (processes)", a_job_was_given_the_password_of_libpq),
]


@pytest.mark.parametrize(("invariant", "break_it"), BROKEN)
def test_a_broken_invariant_is_reported(
    station: Station, invariant: str, break_it: Callable[[Station], None]
) -> None:
    assert broken() == set()
    break_it(station)
    assert invariant in broken()


def test_every_invariant_beyond_the_rows_is_broken_once_here() -> None:
    assert {name for name, _ in BROKEN} == set(BEYOND_ROWS)


def test_jobs_that_run_and_have_run_break_none(station: Station) -> None:
    running.active(station)
    ended = running.active(station, "true")
    running.outcome_of(station.directory_of(ended))
    assert broken() == set()


@pytest.mark.parametrize(
    "out", [{"service": Service.DOWN}, {"service": Service.RECONCILING}, {"wanted": Service.DOWN}]
)
def test_a_process_of_a_node_out_of_service_is_no_stray(station: Station, out: dict[str, Service]) -> None:
    a_process_of_a_final_job_lives(station)
    Node.objects.update(**out)
    assert "I7, I8" not in broken()


def test_a_process_that_ended_while_it_was_looked_at_is_no_stray(
    station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = (station.spool.attempt(7, 1).token, Identity(station.boot_id, 2**22, 1))
    monkeypatch.setattr("recovery.invariants.node.processes.all_marked", lambda: [gone])
    assert broken() == set()


def test_messages_that_were_sent_and_a_broker_that_answers_break_nothing(station: Station) -> None:
    assert lifecycle.dispatch(making.placed())
    assert broken() == set()


def test_a_broker_that_does_not_answer_leaves_it_open(
    station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = current_app.connection_for_read("redis+socket:///no/such/socket")
    monkeypatch.setattr(current_app, "connection_for_read", lambda: away)
    assert broken() == {"L4"}


MADE_UP = {
    "": 0,
    ".": 0,
    ".x.y": 0,
    ".1": 0,
    ".1.2.3": 0,
    ".-1.1": 0,
    ".7.1": 1,
    f".{10**20}.1": 1,
    f".{10**30}.1": 0,
}


@pytest.mark.parametrize(("pair", "told"), MADE_UP.items())
def test_a_process_with_a_made_up_marker_is_told_of_if_it_names_a_job_and_breaks_nothing(
    station: Station, pair: str, told: int
) -> None:
    environment = {"PATH": os.defpath, procfs.MARKER: f"{station.spool.spool_id}{pair}"}
    process = subprocess.Popen(["sleep", "600"], env=environment)
    try:
        found = [violation for violation in verify() if violation.invariant == "I7, I8"]
    finally:
        process.kill()
        process.wait()
    assert [f"pid {process.pid} of" in violation.found for violation in found] == [True] * told


def test_the_command_says_that_nothing_is_broken(
    station: Station, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("verify_invariants")
    assert capsys.readouterr().out == "verify_invariants=0\n"


def test_the_command_names_what_is_broken_and_fails(
    station: Station, capsys: pytest.CaptureFixture[str]
) -> None:
    job = making.active()
    Job.objects.filter(pk=job.pk).update(phase=Phase.STARTING)
    with pytest.raises(SystemExit, match="1"):
        call_command("verify_invariants")
    printed = capsys.readouterr()
    assert printed.out == "verify_invariants=1\n"
    assert printed.err.startswith("I12 (folding a job's events gives its row): (")
