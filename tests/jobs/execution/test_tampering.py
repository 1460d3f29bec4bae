"""A job reaches its node's spool: what it puts in the place of a file is neither waited for nor followed."""

import json
import math
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from jobs.execution.agent import NodeAgent
from jobs.execution.health import spool_troubles
from jobs.execution.records import UnreadableFileError
from jobs.execution.renewals import Renewals
from jobs.execution.settle import end_overdue, settle
from jobs.execution.spool import Spool
from jobs.execution.station import Station
from jobs.models import Job
from tests import making
from tests.jobs.execution import running
from tests.jobs.execution.test_agent import agent
from tests.jobs.execution.test_unreadable import EXIT, launched
from tests.jobs.execution.tiers import CAGED, TIERS, station_of

__all__ = ["agent", "launched"]

pytestmark = pytest.mark.django_db

ODD_REQUESTS = ["", "[]", '{"cgroup": 1}', '{"cgroup": "/\\u0000"}', '{"cgroup": "/\\ud800"}']


def a_pipe(path: Path) -> None:
    path.unlink(missing_ok=True)
    os.mkfifo(path)


def a_link(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.symlink_to(path.parent / "victim")


@pytest.fixture(params=[a_pipe, a_link])
def spoil(request: pytest.FixtureRequest) -> Callable[[Path], None]:
    """Put something else in the place of a file."""
    return request.param  # type: ignore[no-any-return]


@pytest.mark.parametrize("content", ODD_REQUESTS)
def test_a_request_that_a_job_has_spoilt_keeps_nothing_from_its_settling(
    station: Station, launched: Callable[..., Job], content: str
) -> None:
    job = launched(json.dumps(EXIT).encode())
    (station.directory_of(job).path / "request.json").write_text(content)
    assert settle(job, station)
    job.refresh_from_db()
    assert job.exit_code == 3


def test_nobody_waits_for_what_a_job_puts_in_the_place_of_its_request(
    station: Station, launched: Callable[..., Job], spoil: Callable[[Path], None]
) -> None:
    job = launched(json.dumps(EXIT).encode())
    spoil(station.directory_of(job).path / "request.json")
    assert settle(job, station)
    job.refresh_from_db()
    assert job.exit_code == 3


@pytest.mark.parametrize("tier", [tier for tier in TIERS if tier == CAGED] or TIERS)
def test_a_job_that_names_the_group_of_another_takes_nobody_with_it(spool: Spool, tier: str) -> None:
    making.node(cpus=8)
    with station_of(spool, tier) as station:
        bad, good = running.active(station), running.active(station)
        named = json.dumps({"cgroup": station.group_of((good.pk, good.attempt)) or str(spool.path)})
        (station.directory_of(bad).path / "request.json").write_text(named)
        assert end_overdue(bad, station)
        assert (running.gone(station, bad), running.gone(station, good)) == (True, False)
        running.killed(spool.path.parent)


def test_of_another_place_only_this_attempts_own_group_is_believed(
    station: Station, launched: Callable[..., Job]
) -> None:
    job = launched(None)
    mine, home = f"{job.pk}.{job.attempt}", f"jobsite-{station.spool.spool_id}"
    mount = cgroup_mount()
    root = (mount or Path("/nowhere")) / "user.slice"
    asked = [root / home / mine, root / home / "1.2", root / "jobsite-other" / mine]
    asked += [root / ".." / home / mine, station.spool.path / home / mine]
    believed = []
    for group in asked:
        (station.directory_of(job).path / "request.json").write_text(json.dumps({"cgroup": str(group)}))
        believed.append(station.group_of_job(job))
    assert believed == [str(asked[0]) if mount else "", "", "", "", ""]


def cgroup_mount() -> Path | None:
    """Where this machine has its groups of version 2, if it has any."""
    mounts = [line.split() for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    return next((Path(fields[4]) for fields in mounts if "cgroup2" in fields), None)


def test_a_renewal_is_told_whatever_was_put_in_its_place(
    station: Station, spoil: Callable[[Path], None]
) -> None:
    renewals, renewed = Renewals(station), station.spool.path / "renewed"
    spoil(renewed)
    assert renewals.age() == math.inf
    renewals.begin()
    renewals.note()
    assert renewals.age() < running.LONG
    assert not (station.spool.path / "victim").exists()


def test_the_rest_of_a_longer_line_spoils_no_renewal(station: Station) -> None:
    renewals = Renewals(station)
    (station.spool.path / "renewed").write_text("nonsense " * 99)
    renewals.begin()
    renewals.note()
    assert renewals.age() < running.LONG


def test_a_spool_without_its_own_id_is_another(spool: Spool, spoil: Callable[[Path], None]) -> None:
    spoil(spool.path / "spool_id")
    (spool.path / "victim").write_text(spool.spool_id)
    assert not spool.is_intact()
    with pytest.raises(UnreadableFileError):
        Spool.open(spool.path)


def test_a_probe_of_the_disk_is_written_to_no_other_file(spool: Spool, spoil: Callable[[Path], None]) -> None:
    spoil(spool.path / "probe")
    assert list(spool_troubles(spool, drained=False)) == []
    assert (spool.path / "probe").read_bytes() == b"\n"
    assert not (spool.path / "victim").exists()


def test_f32_a_number_that_no_job_can_have_keeps_no_agent_from_its_lease(
    agent: NodeAgent, spool: Spool
) -> None:
    """F32: a directory of that name was made up by somebody."""
    (spool.path / f"{10**25}.1").mkdir()
    assert agent._take_lease()
