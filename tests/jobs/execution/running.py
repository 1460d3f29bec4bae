"""Attempts that run for real, in a spool of the test's own; whatever is left of them ends with the test."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jobs import lifecycle
from jobs.execution import launcher, processes, procfs
from jobs.execution.launcher import Launched
from jobs.execution.order import prepare
from jobs.execution.records import Outcome, Ticket
from jobs.execution.settle import identities_of
from jobs.execution.spool import AttemptDirectory, Request, Spool
from jobs.execution.station import Station
from jobs.lifecycle import SeenLease
from jobs.models import Job, NodeLease
from jobs.models.clock import ClockTimestamp
from tests import making
from tests.eventually import eventually
from tests.remains import killed_in
from tests.session import ROOT

WAITS = "sleep 600 & wait"
LONG = 60.0
"""Patience on a machine that does other things too."""
EXECD = (
    f"import os, sys; sys.path.insert(0, {str(ROOT)!r}); os.chdir(sys.argv[1]); "
    "from jobs.execution import wrapper; raise SystemExit(wrapper.run())"
)
"""A wrapper in an interpreter of its own, for tests that choose what it inherits."""


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    yield Spool.open(tmp_path / "spool")
    eventually(lambda: killed(tmp_path), within=LONG, what="the end of everything that the test started")


@pytest.fixture
def station(spool: Spool) -> Station:
    return Station("n1", spool)


killed = killed_in


def prepared(
    spool: Spool, script: str, *, job_id: int = 1, attempt: int = 1, **changes: Any
) -> AttemptDirectory:
    """An attempt whose wrapper only needs to be started."""
    directory = spool.attempt(job_id, attempt)
    assert directory.make()
    write_request(directory, script, **changes)
    return directory


def write_request(directory: AttemptDirectory, script: str, **changes: Any) -> None:
    """What a wrapper is told, though its job's row may say otherwise."""
    facts = {
        "arguments": [],
        "environment": {"PATH": os.defpath, "JOBSITE_TOKEN": directory.token},
        "work_dir": str(directory.path),
        "time_limit_seconds": LONG,
        "grace_seconds": 1.0,
        **changes,
    }
    job_id, attempt = directory.job_id, directory.attempt
    request = Request(job_id=job_id, attempt=attempt, token=directory.token, **facts)
    directory.write_request(request, _with_shell(script).encode())


def started(spool: Spool, script: str, **changes: Any) -> AttemptDirectory:
    """An attempt whose ticket is linked."""
    directory = prepared(spool, script, **changes)
    answer = launcher.launch(directory)
    assert isinstance(answer, Launched), answer
    return directory


def run(spool: Spool, script: str, **changes: Any) -> Outcome:
    """Run a script to its end; what its wrapper says of it."""
    return outcome_of(started(spool, script, **changes))


def outcome_of(directory: AttemptDirectory) -> Outcome:
    """Wait for the wrapper's word."""
    outcome = eventually(
        directory.outcome, within=LONG, what=lambda: f"exit.json; it wrote {said(directory)[-500:]!r}"
    )
    assert outcome is not None
    return outcome


def said(directory: AttemptDirectory) -> str:
    """What the job has written so far."""
    return directory.stdout.read_text() if directory.stdout.is_file() else ""


def until_said(directory: AttemptDirectory, words: str) -> None:
    """Wait until the job has written this."""
    eventually(lambda: words in said(directory), within=LONG, what=f"{words!r} in the output")


def ticket_of(directory: AttemptDirectory) -> Ticket:
    """The ticket, which is there."""
    ticket = directory.ticket()
    assert ticket is not None
    return ticket


def cancel(directory: AttemptDirectory) -> None:
    """Ask its wrapper for the end, as the node's agent does."""
    directory.ask_cancel()
    wrapper = ticket_of(directory).wrapper
    assert wrapper is not None
    processes.send(wrapper, signal.SIGTERM)


def claimed(station: Station, script: str = WAITS, **changes: Any) -> Job:
    """A job that this node's worker has claimed, and nothing more."""
    job = making.placed(script=_with_shell(script), **changes)
    assert lifecycle.start(
        job,
        boot_id=station.boot_id,
        spool_id=station.spool.spool_id,
        actor="n1",
        cpu_indices=station.free_cpus(job),
        enforcement=station.containment.table(),
    )
    job.refresh_from_db()
    return job


def launched(station: Station, script: str = WAITS, **changes: Any) -> Job:
    """A claimed job whose wrapper has linked the ticket; its row does not know yet."""
    tell_renewal(station.spool)
    job = claimed(station, script, work_dir=str(station.spool.path.parent), **changes)
    directory = station.directory_of(job)
    assert directory.make()
    prepare(job, directory, cages=station.cages)
    assert isinstance(launcher.launch(directory), Launched)
    return job


def tell_renewal(spool: Spool, *, ago: float = 0.0, boot_id: str = "") -> None:
    """Tell the wrappers of jobs that may run again of a renewal that began so long ago."""
    began = time.clock_gettime(time.CLOCK_BOOTTIME) - ago
    (spool.path / "renewed").write_text(f"{boot_id or procfs.boot_id()} {began:020.3f}\n")


def active(station: Station, script: str = WAITS, **changes: Any) -> Job:
    """A job that runs, in its row and for real."""
    job = launched(station, script, **changes)
    identities = identities_of(station.directory_of(job).ticket())
    assert identities is not None
    assert lifecycle.activate(job, identities, note="", actor="n1")
    job.refresh_from_db()
    return job


def give_up(job: Job) -> None:
    """Others have seen the lease of the job's node to be over, for long."""
    NodeLease.objects.update(lease_until=ClockTimestamp())
    lease = SeenLease(*NodeLease.objects.values_list("node_id", "incarnation", "lease_until").get())
    write = lifecycle.requeue_lost if job.requeue else lifecycle.give_up
    assert write(job, lease, "its agent is silent", actor="recovery")
    job.refresh_from_db()


def gone(station: Station, job: Job) -> bool:
    """No process of this job lives."""
    return not processes.marked(station.directory_of(job).token)


def kill(*found: processes.Identity | None) -> None:
    """KILL these and wait for their end."""
    for identity in found:
        assert identity is not None
        processes.send(identity, signal.SIGKILL)
    eventually(lambda: not any(processes.is_alive(i) for i in found if i), within=LONG)


def _with_shell(script: str) -> str:
    return script if script.startswith("#!") else f"#!/bin/sh\n{script}\n"
