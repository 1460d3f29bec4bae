"""What an answer that is no success means to the person who asked."""

import json
from collections.abc import Mapping
from typing import Final

from jobs.cli.config import GET_A_TOKEN
from jobs.cli.errors import CommandError, UnexpectedAnswerError, UnreachableError

AWAY: Final = (502, 503, 504)
HINTS: Final = {
    "script": "give a file with the commands, `-` for standard input, or --wrap 'COMMAND'",
    "name": "-J NAME: one line of at most 128 characters",
    "cpus": "-c N: a whole number, such as -c 2",
    "memory": "--mem SIZE: such as --mem 512M or --mem 2G",
    "gpus": "--gpus N: a whole number, such as --gpus 1",
    "time_limit": "-t LIMIT: such as -t 90m, -t 2h or -t 1-12:00:00",
    "partition": "-p PARTITION: leave it out for the default one",
    "work_dir": "-D DIR: the whole path of a directory on the machine that runs the job",
    "environment": "--export NAME[=VALUE]: see `jobsite submit --help`",
    "stdin_path": "-i FILE: a file on the machine that runs the job",
    "stdout_path": "-o FILE: such as -o out.txt or -o logs/%x-%j.out",
    "stderr_path": "-e FILE: such as -e errors.txt or -e logs/%x-%j.err",
    "open_mode": "--open-mode truncate or --open-mode append",
    "signal": "--signal [B:]SIG[@SECONDS]: such as --signal USR1@60",
    "requeue": "--requeue or --no-requeue",
    "max_attempts": "--max-attempts N: a whole number, with --requeue",
    "arguments": "-- WORD ...: at most 256 words of UTF-8 text",
    "priority": "--priority N: leave it out for 0",
    "reason": '--reason TEXT: one line, such as --reason "new disk"',
    "state": "--state STATE: such as --state RUNNING or --state FAILED,CANCELLED",
}


JOBS: Final = "`jobsite queue --all` lists the jobs that you may see"
NODES: Final = "`jobsite nodes` lists them"


def refusal(
    status: int, location: str | None, body: bytes, address: str, *, lists: str = JOBS
) -> CommandError:
    """The error that stands for this answer; `lists` is the hint for what is not there."""
    content = _object(body)
    detail = str(content.get("detail") or "")
    if status == 400 and content and not detail:
        return _odd_fields(content)
    match status:
        case 401:
            return CommandError(detail or "the server does not know this token", hints=[GET_A_TOKEN])
        case 404 if detail:
            return CommandError(detail, hints=[lists])
        case 400 | 403 | 409 | 413 | 415 | 429 if detail:
            return CommandError(detail)
        case _ if status in AWAY:
            # The first sentence: the rest is for programs that choose their own keys.
            away = detail.partition(". ")[0] or f"the server at {address} cannot answer now ({status})"
            return UnreachableError(
                away, hints=["try again in a moment; `jobsite queue` tells what is there"]
            )
        case _ if 300 <= status < 400:
            return UnexpectedAnswerError(
                f"{address} sends to {location or 'another address'}",
                hints=["set JOBSITE_URL to the address that is meant"],
            )
        case _ if status >= 500:
            return UnexpectedAnswerError(
                f"the server failed ({status})", hints=["tell an operator: its log says why"]
            )
    return UnexpectedAnswerError(
        f"{address} answered {status}, as no Jobsite does", hints=["is JOBSITE_URL right?"]
    )


def _odd_fields(content: Mapping[str, object]) -> CommandError:
    """One line for each message; one hint for each field."""
    errors = []
    for field, messages in content.items():
        told = messages if isinstance(messages, list) else [messages]
        errors += [f"{field}: {message}" for message in told]
    hints = [HINTS.get(field, "see `jobsite submit --help`") for field in content]
    return CommandError(*errors, hints=hints)


def _object(body: bytes) -> dict[str, object]:
    try:
        content = json.loads(body)
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}
