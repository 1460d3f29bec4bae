"""From the words on the command line to what the API is asked."""

import io
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from jobs.cli.arguments import parser
from jobs.cli.attached import command_words
from jobs.cli.errors import CommandError, UsageError
from jobs.cli.main import split
from jobs.cli.request import command_request, script_request

SCRIPT = "#!/bin/sh\r\necho hi\n"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory in which the person is, with a script in it."""
    (tmp_path / "train.sh").write_bytes(SCRIPT.encode())
    monkeypatch.chdir(tmp_path)
    return tmp_path


def submit(*words: str, **variables: str) -> dict[str, Any]:
    before, rest = split(["submit", *words])
    return script_request(parser().parse_args(before), rest, variables)


def run(*words: str) -> dict[str, Any]:
    before, rest = split(["run", *words])
    given = parser().parse_args(before)
    return command_request(given, command_words(given, rest), {})


def test_a_script_alone_asks_for_nothing_but_itself_here(here: Path) -> None:
    assert submit("train.sh") == {"script": SCRIPT, "work_dir": str(here), "name": "train.sh"}


@pytest.mark.parametrize(
    "words",
    [
        "train.sh -c 4 --mem 8G -G 1 -t 2h -J train -p big -D /data --priority 5 -H",
        "--cpus-per-task=4 --mem=8G --gpus=1 --time=2h --job-name=train --partition=big --chdir=/data "
        "--priority=5 --hold train.sh",
    ],
)
def test_options_have_the_names_of_sbatch(words: str) -> None:
    assert submit(*words.split()) == {
        "script": SCRIPT,
        "name": "train",
        "cpus": "4",
        "memory": "8G",
        "gpus": "1",
        "time_limit": "2h",
        "partition": "big",
        "work_dir": "/data",
        "priority": "5",
        "hold": True,
    }


@pytest.mark.parametrize("words", [["-c", "-1"], ["--mem", "-1"], ["-t", "-1h"]])
def test_a_negative_amount_is_a_value_that_the_api_refuses(words: list[str]) -> None:
    assert words[1] in submit("train.sh", *words).values()


def test_words_after_two_dashes_are_the_scripts_own() -> None:
    assert submit("train.sh", "-c", "2", "--", "-c", "a b", "--", "")["arguments"] == ["-c", "a b", "--", ""]
    assert submit("-c", "2", "train.sh", "a", "b")["arguments"] == ["a", "b"]


def test_a_script_comes_from_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(SCRIPT.encode()), newline=""))
    asked = submit("-")
    assert asked["script"] == SCRIPT
    assert "name" not in asked


def test_a_wrapped_command_is_a_script_of_sh() -> None:
    asked = submit("--wrap", "sort < a | uniq")
    assert (asked["script"], asked["name"]) == ("#!/bin/sh\nsort < a | uniq\n", "wrap")


def test_a_wrapped_nothing_is_an_empty_script() -> None:
    assert submit("--wrap", "  ")["script"] == ""


@pytest.mark.parametrize("words", [[], ["train.sh", "--wrap", "true"], ["--wrap", "true", "--", "a"]])
def test_a_submit_has_one_source_of_its_script(words: list[str]) -> None:
    with pytest.raises(UsageError):
        submit(*words)


def test_named_variables_are_passed_on_and_no_others() -> None:
    asked = submit("train.sh", "--export", "A,B=2", "--export", "C=x=y", A="1,1", SECRET="s")
    assert asked["environment"] == {"A": "1,1", "B": "2", "C": "x=y"}


def test_all_variables_are_those_that_a_job_may_have() -> None:
    here = {"A": "1", "B": "2", "JOBSITE_API_TOKEN": "s", "LD_PRELOAD": "x", "BASH_FUNC_f%%": "()"}
    assert submit("train.sh", "--export", "ALL", **here)["environment"] == {"A": "1", "B": "2"}
    assert submit("train.sh", "--export=B=3,ALL", **here)["environment"] == {"A": "1", "B": "3"}
    assert "environment" not in submit("train.sh", "--export", "NONE", **here)


def test_a_named_variable_that_never_reaches_a_job_is_told() -> None:
    with pytest.raises(CommandError, match="LD_PRELOAD never reaches a job"):
        submit("train.sh", "--export", "LD_PRELOAD=x")


def test_files_signals_and_requeue_have_the_names_of_sbatch() -> None:
    words = "-i in -o %x-%j.out -e err --open-mode append --signal B:USR1@30 --requeue --max-attempts 3"
    asked = submit("train.sh", *words.split())
    assert {name: asked[name] for name in asked if name not in ("script", "name", "work_dir")} == {
        "stdin_path": "in",
        "stdout_path": "%x-%j.out",
        "stderr_path": "err",
        "open_mode": "append",
        "signal": "B:USR1@30",
        "requeue": True,
        "max_attempts": "3",
    }
    assert "requeue" not in submit("train.sh", "--no-requeue")


def test_a_relative_work_directory_is_below_this_one(here: Path) -> None:
    assert submit("train.sh", "-D", "data/x")["work_dir"] == f"{here}/data/x"


def test_a_variable_that_is_not_set_is_told() -> None:
    with pytest.raises(CommandError, match="FOO is not set here"):
        submit("train.sh", "--export", "FOO")


@pytest.mark.parametrize(
    ("content", "words"), [(b"\xff\xfe", "byte 0 is 0xff"), (b"#" * (1024 * 1024 + 1), "more than 1,048,576")]
)
def test_a_script_that_cannot_be_sent_is_refused_here(here: Path, content: bytes, words: str) -> None:
    (here / "odd").write_bytes(content)
    with pytest.raises(CommandError, match=words):
        submit("odd")


def test_a_script_that_cannot_be_read_is_told_in_the_systems_words() -> None:
    with pytest.raises(CommandError, match=r"script: gone\.sh: No such file or directory"):
        submit("gone.sh")


def test_a_file_with_an_odd_name_gives_a_name_that_is_allowed(here: Path) -> None:
    (here / "a\nb").write_text(SCRIPT)
    assert submit("a\nb")["name"] == "a?b"


def test_the_words_of_a_command_arrive_exactly() -> None:
    words = ["two words", "quotes'\"", "a\nline", "$HOME `id` *", "", "~", "-n", "\\", "ü"]
    script = str(run("--", "printf", "%s\\0", *words)["script"])
    ran = subprocess.run(["sh", "-c", script], capture_output=True, check=True)
    assert os.fsdecode(ran.stdout).split("\0")[:-1] == words


def test_a_command_needs_no_dashes_before_it_and_keeps_its_own() -> None:
    assert run("-c", "2", "git", "log", "-c", "--", "a")["script"] == "#!/bin/sh\nexec git log -c -- a\n"
    assert run("-c", "2", "--", "git", "--", "a")["script"] == "#!/bin/sh\nexec git -- a\n"


def test_a_run_without_a_command_is_no_job() -> None:
    with pytest.raises(UsageError):
        run("-c", "2", "--")


@pytest.mark.parametrize("words", [["-c", ""], ["-J", " "], ["--gpus"], ["--cpu", "1"]])
def test_what_has_no_meaning_is_wrong_usage(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        parser().parse_args(["submit", "train.sh", *words])
    assert first_words(capsys.readouterr().err) == ["error", "hint"]


def first_words(text: str) -> list[str]:
    return [line.partition(":")[0] for line in text.splitlines()]
