"""The sandbox knows of no other platform, and is put where there is room."""

from pathlib import Path

import pytest

from jobsite.drill import place, sandbox
from jobsite.environment import Environment

OTHERS = {
    "JOBSITE_VAR": "/srv/jobsite",
    "JOBSITE_NODE_NAME": "n1",
    "JOBSITE_PORT": "8000",
    "JOBSITE_SECRET_KEY": "x" * 60,
    "JOBSITE_API_TOKEN": "jst_theirs",
    "JOBSITE_TRUSTED_ORIGINS": "https://jobs.example.org",
    "DATABASE_URL": "postgresql://jobsite:word@db/jobsite",
    "LISTEN_DATABASE_URL": "postgresql://jobsite:word@db/jobsite",
    "REDIS_URL": "redis://:word@broker",
    "PGHOST": "db",
    "PGPASSWORD": "word",
    "DJANGO_SETTINGS_MODULE": "jobsite.settings",
}


def test_nothing_of_another_platform_is_told_to_it(tmp_path: Path) -> None:
    told = sandbox.settings(tmp_path / "var", 12, {**OTHERS, "PATH": "/bin"})
    assert not set(told.values()) & set(OTHERS.values())
    assert told["PATH"] == "/bin"
    environment = Environment.read(told)
    assert (environment.var, environment.node_name, environment.host) == (
        tmp_path / "var",
        "drill",
        "127.0.0.1",
    )
    assert environment.embedded_postgres
    assert environment.embedded_broker
    assert (environment.cpus, environment.memory_mb) == (12, 768)


def test_as_a_job_all_of_it_carries_the_jobs_marker(tmp_path: Path) -> None:
    told = sandbox.settings(tmp_path / "var", 4, {"JOBSITE_TOKEN": "spool.7.1", "JOBSITE_JOB_ID": "7"})
    assert told["JOBSITE_TOKEN"] == "spool.7.1"
    assert "JOBSITE_JOB_ID" not in told


def test_a_place_without_room_is_passed_over(tmp_path: Path) -> None:
    long = tmp_path / ("d" * 90)
    long.mkdir()
    made = place.make([tmp_path / "missing", long, tmp_path], needed_mb=0)
    assert made.parent == tmp_path
    assert made.stat().st_mode & 0o077 == 0


def test_where_nothing_has_room_it_is_told_why_and_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(place.NoPlaceError) as told:
        place.make([tmp_path / "missing", tmp_path], needed_mb=10**9)
    assert f"{tmp_path / 'missing'} is no directory; {tmp_path} has " in str(told.value)
    assert str(told.value).endswith("Free some, or set TMPDIR to another directory.")
    assert list(tmp_path.iterdir()) == []


def test_in_a_job_it_does_not_go_into_the_directory_that_goes_with_the_job() -> None:
    assert place.candidates({"JOBSITE_JOB_ID": "7"}) == [Path("/tmp"), Path("/var/tmp")]
    assert place.candidates({})[-2:] == [Path("/tmp"), Path("/var/tmp")]
