"""What each command does: it asks the server, and prints what came of it."""

import json
import sys
from argparse import Namespace
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from jobs.cli.errors import OK, CommandError, UnreachableError
from jobs.cli.follow import Follower, copy
from jobs.cli.report import report, say
from jobs.cli.request import script_request
from jobs.cli.screen import Screen, safe
from jobs.cli.server import Job, Server
from jobs.cli.sheet import sheet
from jobs.cli.table import table

ACTIVE: Final = "PENDING,RUNNING"


@dataclass(frozen=True, kw_only=True)
class Call:
    """One call of the command line."""

    given: Namespace
    rest: Sequence[str]
    """The words after `--`."""
    server: Server
    variables: Mapping[str, str]

    @property
    def screen(self) -> Screen:
        """Where the output goes."""
        return Screen.of(sys.stdout, self.variables)


def submit(call: Call) -> int:
    """One job from a script."""
    job = call.server.submit(script_request(call.given, call.rest, call.variables))
    if call.given.parsable:
        print(job["id"])
        return OK
    held = "; it waits until it is released" if job["hold"] else ""
    print(f"Job {job['id']} {safe(job['name'])} submitted{held}")
    print(f"  {safe(job['url'])}")
    print(f"  follow: jobsite logs -f {job['id']}")
    return OK


def queue(call: Call) -> int:
    """Jobs, newest first: mine that wait or run, or all that I may see."""
    given = call.given
    everything = {"state": given.state or ""}
    mine = {"state": given.state or ACTIVE, "mine": "true"}
    found = call.server.jobs(everything if given.all else mine, given.limit)
    if given.json:
        _print_json(found.jobs)
    elif found.jobs:
        now = found.now or datetime.now(UTC)
        print(*table(found.jobs, now, call.screen, owners=given.all), sep="\n")
    else:
        say("No job is there." if given.all or given.state else "None of your jobs waits or runs.")
    if found.more:
        say(f"There are more than these {len(found.jobs)}: see --limit.")
    return OK


def show(call: Call) -> int:
    """One job."""
    job = call.server.job(call.given.number)
    if call.given.json:
        _print_json(job)
    else:
        print(*sheet(job, datetime.now(UTC), call.screen), sep="\n")
    return OK


def logs(call: Call) -> int:
    """A job's output: what there is, or all of it to the job's end."""
    job = call.server.job(call.given.number)
    stream = "stderr" if call.given.stderr else "stdout"
    if call.given.follow:
        Follower(call.server, job["id"], sys.stdout.buffer, say, stream=stream).follow()
        return OK
    if note := copy(call.server, job["id"], sys.stdout.buffer, stream):
        say(safe(note))
    if job["state"] == "PENDING":
        say(f"Job {job['id']} has not started yet: {safe(job['detail'] or job['reason'])}")
    return OK


def cancel(call: Call) -> int:
    """Each job for itself: what cannot be cancelled keeps no other from it."""
    numbers = list(dict.fromkeys(call.given.numbers))
    worst, done = OK, 0
    for number in numbers:
        try:
            say_cancelled = _cancelled(call.server.cancel(number))
        except UnreachableError as error:
            _tell_unasked(numbers[numbers.index(number) :])
            raise error
        except CommandError as error:
            named = [line if str(number) in line else f"job {number}: {line}" for line in error.errors]
            report(CommandError(*named, hints=error.hints), call.variables)
            worst = max(worst, error.code)
        else:
            print(say_cancelled)
            done += 1
    if worst and len(numbers) > 1:
        say(f"{done} of {len(numbers)} jobs cancelled.")
    return worst


def _cancelled(job: Job) -> str:
    if job["state"] == "CANCELLED":
        return f"Job {job['id']} {safe(job['name'])} is cancelled."
    return f"Job {job['id']} {safe(job['name'])} is being stopped."


def _tell_unasked(numbers: Sequence[int]) -> None:
    if len(numbers) > 1:
        say(f"Not cancelled, as far as is known: {', '.join(map(str, numbers))}.")


def _print_json(content: Any) -> None:
    print(json.dumps(content, indent=2, ensure_ascii=False))
