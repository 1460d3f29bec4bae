"""What the tests of limits, load and outages share: one more process of a platform, a look into its rows."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from jobsite.environment import Environment
from jobsite.run.processes import Process, common, table
from jobsite.run.record import Identity
from tests.client import Client
from tests.eventually import eventually
from tests.platform import Platform
from tests.remains import remember
from tests.session import ROOT

_numbers = count(1)


class Beside:
    """One more process of a platform, started by hand and ended by hand: nobody starts it again."""

    def __init__(self, platform: Platform, name: str, **settings: str) -> None:
        environment = Environment.read({**platform.environment, **settings})
        told = common(environment, platform.environment)
        process = _named(name, environment)
        self._log = platform.var / "logs" / f"{name}-{environment.node_name}-{next(_numbers)}.log"
        with self._log.open("wb") as output:
            self._process = subprocess.Popen(
                process.argv, cwd=ROOT, env=process.told(told), stdout=output, stderr=output
            )
        self._var = environment.var

    @property
    def pid(self) -> int:
        """Its number."""
        return self._process.pid

    @property
    def log(self) -> str:
        """What it has written."""
        return self._log.read_text(errors="replace")

    def says(self, words: str, within: float = 30.0) -> None:
        """Wait until its log holds these words."""
        eventually(lambda: words in self.log, within=within, what=f"{words!r} in {self.log[-2000:]}")

    def send(self, number: signal.Signals) -> None:
        """Signal it."""
        self._process.send_signal(number)

    def end(self) -> None:
        """Kill it, also when it is stopped."""
        remember(self._process.pid, self._var)
        self._process.kill()
        self._process.wait()


@contextmanager
def beside(platform: Platform, name: str, **settings: str) -> Iterator[Beside]:
    """One more process for as long as the block lasts."""
    another = Beside(platform, name, **settings)
    try:
        yield another
    finally:
        another.end()


@contextmanager
def stopped(platform: Platform, name: str) -> Iterator[Identity]:
    """A child of the platform that exists and does nothing for as long as the block lasts."""
    child = platform.kill(name, signal.SIGSTOP)
    try:
        yield child
    finally:
        os.kill(child.pid, signal.SIGCONT)


def manage(platform: Platform, *arguments: str) -> str:
    """What a `manage.py` command answers; it must succeed."""
    ran = _run(platform, *arguments)
    assert ran.returncode == 0, ran.stdout + ran.stderr + platform.logs()
    return ran.stdout


def tell(platform: Platform, code: str) -> str:
    """Run a few lines against the platform's own rows, and answer what they print."""
    return manage(platform, "shell", "--verbosity", "0", "--command", code).strip()


def another_client(platform: Platform, name: str) -> Client:
    """The client of a person without a role."""
    made = (
        "from django.contrib.auth.models import User; from jobs.models import ApiToken\n"
        f"print(ApiToken.objects.issue(User.objects.get_or_create(username={name!r})[0], 'tests'))"
    )
    return Client(platform.url, tell(platform, made))


def shorten_grace(platform: Platform, seconds: float) -> None:
    """The time between TERM and KILL, in every partition."""
    tell(
        platform,
        "from datetime import timedelta; from jobs.models import Partition\n"
        f"Partition.objects.update(grace=timedelta(seconds={seconds}))",
    )


def living(words: str) -> list[int]:
    """The processes whose command line holds these words."""
    wanted = words.encode()
    return [pid for pid, command in _commands() if wanted in command]


def say(request_node: str, **figures: object) -> None:
    """One line of measurements for the person who runs the tests with `-s`."""
    print(f"\n{request_node}: " + " ".join(f"{name}={value}" for name, value in figures.items()))  # noqa: T201


def seconds_since(begun: float) -> float:
    """By the clock that is never corrected."""
    return time.monotonic() - begun


def _named(name: str, environment: Environment) -> Process:
    return next(process for process in table(environment, "no password") if process.name == name)


def _run(platform: Platform, *arguments: str) -> "subprocess.CompletedProcess[str]":
    told: Mapping[str, str] = {**platform.environment, "DJANGO_SETTINGS_MODULE": "jobsite.settings"}
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=told,
        capture_output=True,
        text=True,
        check=False,
    )


def _commands() -> Iterator[tuple[int, bytes]]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                yield int(entry.name), (entry / "cmdline").read_bytes().replace(b"\0", b" ")
            except OSError:  # it has ended
                continue
