"""What a node claims of its limits: never more than a trial has shown on this very machine."""

import os
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from jobs.execution import cgroup, trial
from jobs.execution.cgroup import Cages, NoGroupError
from jobs.execution.containment import Containment, Level
from jobs.execution.spool import Spool
from jobs.execution.trial import Facts
from jobs.presentation.containment import shown
from tests.jobs.execution.tiers import CAGED, TIERS

EVERYTHING = Facts(
    home="/sys/fs/cgroup/jobsite-x",
    refused="",
    groups_kill=True,
    groups_hold_memory=True,
    groups_hold_cpus=True,
    binds=True,
    reaps=True,
    kills=True,
    measures=True,
    cpus=(0, 1),
)


def levels(facts: Facts) -> dict[str, str]:
    return {limit: hold["level"] for limit, hold in Containment(facts=facts, cpus=2).table().items()}


def test_a_trial_tells_what_it_saw_and_leaves_nothing_behind(spool: Spool) -> None:
    facts = trial.hold(spool.spool_id, groups=True)
    assert (facts.kills, facts.reaps, facts.measures, facts.binds) == (True,) * 4
    assert facts.groups_kill == (CAGED in TIERS)
    assert facts.cpus == tuple(sorted(os.sched_getaffinity(0)))
    cages = Containment(facts=facts).cages()
    assert cages is None or cages.names() == []
    Containment(facts=facts).close()
    assert not (facts.home and Path(facts.home).exists())


def test_groups_that_are_switched_off_are_not_tried(spool: Spool) -> None:
    facts = trial.hold(spool.spool_id, groups=False)
    assert (facts.home, facts.groups_kill, facts.refused) == ("", False, "JOBSITE_CGROUPS is off")
    assert levels(facts)["processes"] == Level.WATCHED


def test_a_group_that_cannot_be_made_is_not_claimed_and_the_reason_is_told() -> None:
    facts = trial.hold("no/such/place", groups=True)
    assert not facts.groups_kill
    assert facts.refused in Containment(facts=facts).table()["processes"]["sentence"]


def test_a_trial_that_could_not_be_held_has_shown_nothing() -> None:
    facts = trial.hold("a\0b", groups=True)
    assert facts == Facts()
    assert set(levels(facts).values()) == {Level.ADVISORY}


@pytest.mark.parametrize(
    ("fact", "limit", "without"),
    [
        ("groups_kill", "processes", Level.WATCHED),
        ("groups_hold_memory", "memory", Level.WATCHED),
        ("groups_hold_cpus", "cpu", Level.ADVISORY),
        ("kills", "time", Level.ADVISORY),
    ],
)
def test_each_limit_rests_on_its_own_fact(fact: str, limit: str, without: Level) -> None:
    absent: dict[str, Any] = {fact: False}
    assert levels(EVERYTHING)[limit] == Level.ENFORCED
    assert levels(replace(EVERYTHING, **absent))[limit] == without


def test_gpus_and_separation_are_never_more_than_advice() -> None:
    assert (levels(EVERYTHING)["gpu"], levels(EVERYTHING)["separation"]) == (Level.ADVISORY, Level.ADVISORY)
    assert "under the worker's own account" in Containment().table()["separation"]["sentence"]


def test_no_cpu_is_given_twice_and_none_where_the_node_pretends_to_have_more() -> None:
    honest, boastful = (Containment(facts=EVERYTHING, cpus=cpus) for cpus in (2, 3))
    assert honest.cpus_for(1, ()) == (0,)
    assert honest.cpus_for(1, (0,)) == (1,)
    assert honest.cpus_for(2, (0,)) == ()
    assert boastful.cpus_for(1, ()) == ()
    assert "the node gives 3, and the worker may use 2" in boastful.table()["cpu"]["sentence"]


def test_every_fact_has_a_default_that_claims_nothing() -> None:
    assert not any(getattr(Facts(), field.name) for field in fields(Facts) if field.name != "refused")


def test_what_a_node_has_told_is_shown_in_order_and_odd_rows_are_left_out() -> None:
    holds = shown(Containment(facts=EVERYTHING, cpus=2).table())
    assert [hold.title for hold in holds] == ["Processes", "Memory", "CPUs", "GPUs", "Time", "Other jobs"]
    assert str(holds[0]).startswith("Processes: enforced (cgroup.kill). Whatever a job starts")
    assert shown(None) == shown({"memory": 3}) == []


def lay_out(proc: Path, mount: Path, own: str) -> Path:
    proc.mkdir()
    (proc / "mountinfo").write_text(f"30 1 0:26 / {mount} rw,nosuid - cgroup2 cgroup2 rw\n")
    (proc / "cgroup").write_text(f"4:memory:/elsewhere\n{own}")
    return proc


def test_groups_are_made_below_our_own_group(tmp_path: Path) -> None:
    proc = lay_out(tmp_path / "proc", tmp_path, "0::/system.slice/jobsite.service\n")
    assert list(cgroup.places(proc)) == [tmp_path / "system.slice/jobsite.service"]


def test_a_process_outside_of_every_group_of_version_2_has_no_place(tmp_path: Path) -> None:
    with pytest.raises(NoGroupError, match="in no control group of version 2"):
        list(cgroup.places(lay_out(tmp_path / "proc", tmp_path, "")))


def test_a_platform_takes_the_group_of_no_other_that_lives_away(tmp_path: Path) -> None:
    """Made again with a job's own group, it would be without its controllers, and the job without limits."""
    resting, dead = Cages(tmp_path / "jobsite-a"), tmp_path / "jobsite-b"
    resting.open()
    (resting.home / "cgroup.subtree_control").unlink()  # the kernel's would keep no directory from removal
    dead.mkdir()
    Cages(tmp_path / "jobsite-c").open()
    assert resting.home.exists()
    assert not dead.exists()
    resting.close()
    assert not resting.home.exists()


def test_a_group_gets_the_limits_of_its_job(tmp_path: Path) -> None:
    group = Cages(tmp_path / "jobsite-x").make("7.1", memory_mb=16, cpus=(0, 2))
    written = {file.name: file.read_text() for file in group.iterdir()}
    assert written == {"memory.max": "16777216", "memory.swap.max": "0", "cpuset.cpus": "0,2"}
