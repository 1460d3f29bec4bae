"""From what stands on the command line to the request that the API reads. What is odd in it, the API says."""

import shlex
import sys
from argparse import Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from jobs.cli.errors import CommandError, UsageError
from jobs.cli.refusals import HINTS
from jobs.fields import LARGEST_SCRIPT, LONGEST_NAME, is_plain
from jobs.variables import is_name, is_refused

STDIN: Final = "-"
OPTIONS: Final = (
    "name", "cpus", "memory", "gpus", "time_limit", "partition", "priority", "stdin_path", "stdout_path",
    "stderr_path", "open_mode", "signal", "max_attempts",
)  # fmt: skip
EVERYTHING: Final = "ALL"
NOTHING: Final = "NONE"


def script_request(
    given: Namespace, arguments: Sequence[str], variables: Mapping[str, str]
) -> dict[str, object]:
    """`submit`: a script from a file, from standard input, or made around one command line."""
    if (given.wrap is None) == (given.script is None):
        raise UsageError(
            "give a script, or a command with --wrap, and not both", hints=["see `jobsite submit --help`"]
        )
    if given.wrap is None:
        words = [*given.arguments, *arguments]
        name = "" if given.script == STDIN else Path(given.script).name
        return _request(given, _read(given.script), name, variables) | ({"arguments": words} if words else {})
    if arguments:
        raise UsageError("--wrap takes no arguments: write them into its command")
    return _request(given, f"#!/bin/sh\n{given.wrap}\n" if given.wrap.strip() else "", "wrap", variables)


def command_request(
    given: Namespace, words: Sequence[str], variables: Mapping[str, str]
) -> dict[str, object]:
    """`run`: a script that becomes the command, word for word, so that its end is the job's end."""
    if not words:
        raise UsageError(
            "there is no command", hints=["jobsite run -- COMMAND, such as jobsite run -- make test"]
        )
    script = f"#!/bin/sh\nexec {shlex.join(words)}\n"
    return _request(given, script, Path(words[0]).name, variables)


def _request(given: Namespace, script: str, name: str, variables: Mapping[str, str]) -> dict[str, object]:
    asked = {option: getattr(given, option) for option in OPTIONS}
    asked["name"] = asked["name"] or _as_name(name)
    own = _environment(given.export, variables)
    return {
        "script": script,
        "work_dir": str(Path(_here(), given.work_dir or "")),
        **{option: value for option, value in asked.items() if value},
        **({"environment": own} if own else {}),
        **({"hold": True} if given.hold else {}),
        **({"requeue": True} if given.requeue else {}),
    }


def _as_name(text: str) -> str:
    """A file's name may be any bytes; a job's name is a line of text."""
    return "".join(char if char.isprintable() else "?" for char in text)[:LONGEST_NAME].strip()


def _here() -> str:
    try:
        return str(Path.cwd())
    except OSError:
        raise CommandError(
            "work_dir: the directory in which you are is gone", hints=[HINTS["work_dir"]]
        ) from None


def _read(script: str) -> str:
    """The script's text, its line ends as they are."""
    named = "standard input" if script == STDIN else script
    try:
        if script == STDIN:
            content = sys.stdin.buffer.read(LARGEST_SCRIPT + 1)
        else:
            with Path(script).open("rb") as file:
                content = file.read(LARGEST_SCRIPT + 1)
    except OSError as error:
        raise CommandError(f"script: {script}: {error.strerror}", hints=[HINTS["script"]]) from None
    if len(content) > LARGEST_SCRIPT:
        raise CommandError(
            f"script: {named} has more than {LARGEST_SCRIPT:,} bytes, the most that are allowed",
            hints=["put data into a file that the script reads"],
        )
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise CommandError(
            f"script: {named} is not UTF-8 text: byte {error.start} is {content[error.start]:#04x}",
            hints=["save it as UTF-8; a program is run by `jobsite run -- PROGRAM`"],
        ) from None


def _environment(exports: Sequence[str], variables: Mapping[str, str]) -> dict[str, str]:
    """All that may be passed on, or those that were named, with the value given or the one they have here."""
    own: dict[str, str] = {}
    for word in (word for export in exports for word in export.split(",") if word not in ("", NOTHING)):
        name, given, value = word.partition("=")
        if word == EVERYTHING:
            own = {**_passable(variables), **own}
            continue
        if is_refused(name):
            raise CommandError(
                f"environment: {name} never reaches a job: the platform keeps such names to itself",
                hints=["set it in the script"],
            )
        if not given and name not in variables:
            raise CommandError(
                f"environment: {name} is not set here, so that it has no value to pass on",
                hints=[f"--export {name}=VALUE, or set it"],
            )
        own[name] = value if given else variables[name]
    return own


def _passable(variables: Mapping[str, str]) -> dict[str, str]:
    """Those that a job may have. Another name or another text cannot be sent, and a shell makes many such."""
    return {
        name: value
        for name, value in variables.items()
        if is_name(name) and not is_refused(name) and is_plain(value)
    }
