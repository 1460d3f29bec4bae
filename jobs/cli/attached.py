"""`run`: a job that looks like a command. Its output is ours, its end is ours, but our end is not its end."""

import signal
import sys
from argparse import Namespace
from collections.abc import Sequence
from types import FrameType
from typing import NoReturn

from jobs.cli.commands import Call
from jobs.cli.errors import INTERRUPTED, OK, READER_GONE, REFUSED, TERMINATED, CommandError, Terminated
from jobs.cli.follow import Follower
from jobs.cli.report import say
from jobs.cli.request import command_request
from jobs.cli.screen import safe
from jobs.cli.server import Job


def run(call: Call) -> int:
    """Submit, show the output, end as the job ends. Ctrl-C and SIGTERM leave it running."""
    signal.signal(signal.SIGTERM, _terminated)
    request = command_request(call.given, command_words(call.given, call.rest), call.variables)
    job = _submit(call, request)
    try:
        return _attend(call, job)
    except KeyboardInterrupt:
        return _detach(job, INTERRUPTED)
    except Terminated:
        return _detach(job, TERMINATED)
    except BrokenPipeError:
        _detach(job, READER_GONE)
        raise
    except CommandError as error:
        raise type(error)(*error.errors, hints=[*error.hints, *_ways_back(job)]) from None


def exit_code(job: Job) -> int:
    """The job's own where it ended by itself, as a shell tells it; 1 for any other end but COMPLETED."""
    if job["state"] == "COMPLETED":
        return OK
    if job["reason"] == "NonZeroExitCode" and job["exit_code"]:
        return int(job["exit_code"])
    if job["reason"] == "RaisedSignal" and job["exit_signal"]:
        return 128 + int(job["exit_signal"])
    return REFUSED


def command_words(given: Namespace, rest: Sequence[str]) -> list[str]:
    """The command, also where it was written without `--`; a `--` inside it is a word of it."""
    before, after = list(given.words), list(rest)
    return [*before, "--", *after] if before and after else before or after


def _submit(call: Call, request: dict[str, object]) -> Job:
    try:
        job = call.server.submit(request)
    except (KeyboardInterrupt, Terminated):
        say("Interrupted before the server had answered: `jobsite queue` tells whether the job is there.")
        raise
    say(f"Job {job['id']} {safe(job['name'])} submitted  {safe(job['url'])}  (Ctrl-C detaches)")
    return job


def _attend(call: Call, job: Job) -> int:
    follower = Follower(call.server, job["id"], sys.stdout.buffer, say)
    follower.follow()
    ended = follower.end()
    if ended["state"] != "COMPLETED":
        say(f"Job {ended['id']} {safe(ended['state'])}: {safe(ended['detail'] or ended['reason'])}")
    return exit_code(ended)


def _detach(job: Job, code: int) -> int:
    say(f"\nDetached. Job {job['id']} goes on.")
    for way in _ways_back(job):
        say(f"  {way}")
    return code


def _ways_back(job: Job) -> list[str]:
    return [f"reattach: jobsite logs -f {job['id']}", f"stop it: jobsite cancel {job['id']}"]


def _terminated(_: int, __: FrameType | None) -> NoReturn:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise Terminated
