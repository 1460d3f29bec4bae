"""T18: a machine was restarted with jobs on it, and its first sweep settles all of them."""

import signal
import time
from pathlib import Path

import pytest

from jobs.execution import processes
from jobs.execution.station import Station
from jobs.models import Job
from jobs.states import Evidence, Reason, State
from recovery.manager import RecoveryManager
from tests import making
from tests.eventually import eventually
from tests.jobs.execution import running

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("broker")]
RUNNING, ENDED = 20, 3
AT_MOST = 30.0


def test_f62_a_restarted_node_settles_its_jobs_at_once(
    station: Station, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F62: what ran is failed with its reason, what had ended is recorded exactly."""
    making.node(cpus=RUNNING + ENDED)
    ended = [running.active(station, "true") for _ in range(ENDED)]
    ran = [running.active(station) for _ in range(RUNNING)]
    for job in ended:
        running.outcome_of(station.directory_of(job))
    power_off(station)
    (tmp_path / "boot_id").write_text("another boot")
    monkeypatch.setenv("JOBSITE_BOOT_ID_FILE", str(tmp_path / "boot_id"))
    begun = time.monotonic()
    RecoveryManager(Station("n1", station.spool)).recover_on_startup()
    assert time.monotonic() - begun < AT_MOST
    failed = Job.objects.filter(state=State.FAILED, reason=Reason.NODE_FAIL, evidence=Evidence.BOOT)
    completed = Job.objects.filter(state=State.COMPLETED, exit_code=0, evidence=Evidence.SPOOL)
    assert {*failed} == {*ran}
    assert {*completed} == {*ended}
    assert [making.held_by(job) for job in ran] == [[]] * RUNNING


def power_off(station: Station) -> None:
    """Nothing of this spool lives any more, wrappers first."""

    def living() -> list[processes.Identity]:
        marked = processes.all_marked()
        return [identity for token, identity in marked if station.spool.pair_of(token)]

    def killed() -> bool:
        found = living()
        for identity in found:
            processes.send(identity, signal.SIGKILL)
        return not found

    eventually(killed, within=running.LONG)
