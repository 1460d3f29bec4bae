"""`jobsite drill`: what it can be told, and whom it becomes."""

import pytest

from jobs.cli import drill
from jobs.cli.arguments import parser
from tests.jobs.cli.test_main import jobsite, told


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["--jobs", "0"], "--jobs: '0' is no whole number from 4 to 100: so many jobs run under each kill"),
        (["--jobs", "many"], "--jobs: 'many' is no whole number from 4 to 100"),
        (["--jobs", "-3"], "--jobs: '-3' is no whole number from 4 to 100"),
        (["--patience", "0"], "--patience: '0' is no whole number from 5 to 600"),
        (
            ["--only", "nonsense"],
            "--only: the drill kills no 'nonsense'; choose from worker, wrapper, broker",
        ),
        (["--only", "worker,"], "--only: the drill kills no ''; choose from worker"),
    ],
)
def test_what_makes_no_sense_is_refused_with_what_is_allowed(words: list[str], error: str) -> None:
    ran = jobsite("drill", *words, variables=told())
    assert (ran.returncode, ran.stdout) == (2, "")
    assert f"error: argument {error}" in ran.stderr
    assert "hint: see `jobsite drill --help`" in ran.stderr


def test_the_drill_is_played_by_the_platforms_own_interpreter_in_its_own_order() -> None:
    given = parser().parse_args(["drill", "--only", "postgres, worker,worker", "--jobs", "8", "--json"])
    assert drill.command(given, "/venv/python") == [
        *("/venv/python", "-E", "-m", "jobsite.drill", "--jobs", "8", "--patience", "60"),
        *("--only", "worker,postgres", "--json"),
    ]


def test_unless_it_is_told_whom_the_drill_kills_everybody() -> None:
    given = parser().parse_args(["drill"])
    assert given.only == ("worker", "wrapper", "broker", "scheduler", "beat", "postgres")
