"""Whether a process of the platform does its work: asked at a start, and again and again by containers.

`python -m jobsite.run.health scheduler` ends with 0 when it does and with 1 and a sentence when it does not.
"""

import http.client
import os
import socket
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timedelta
from typing import Final

from jobsite.environment import Environment

BEAT_MAY_BE_SILENT: Final = timedelta(minutes=3)


def web(environment: Environment) -> bool:
    """It answers /healthz."""
    host = loopback(environment.host)
    with closing(http.client.HTTPConnection(host, environment.port, timeout=2)) as connection:
        try:
            connection.request("GET", "/healthz", headers={"Host": _allowed_host(environment)})
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False


def flower(environment: Environment) -> bool:
    """It accepts connections; what it shows is behind its password."""
    try:
        with socket.create_connection(("127.0.0.1", environment.flower_port), timeout=2):
            return True
    except OSError:
        return False


def scheduler(environment: Environment) -> bool:
    """Some scheduler leads."""
    del environment
    until = leader_until()
    return until is not None and until > _database_now()


def worker(environment: Environment) -> bool:
    """This node's agent holds its lease."""
    until = node_until(environment.node_name)
    return until is not None and until > _database_now()


def beat(environment: Environment) -> bool:
    """It has lately sent what it sends."""
    del environment
    from django_celery_beat.models import PeriodicTask  # noqa: PLC0415 - not before Django is set up

    last = (
        PeriodicTask.objects.filter(enabled=True, last_run_at__isnull=False).order_by("-last_run_at").first()
    )
    return last is not None and last.last_run_at > _database_now() - BEAT_MAY_BE_SILENT


def leader_until() -> datetime | None:
    """Until when a scheduler leads. None: none ever did."""
    from scheduler.models import SchedulerLease  # noqa: PLC0415 - not before Django is set up

    return SchedulerLease.objects.values_list("until", flat=True).first()


def node_until(name: str) -> datetime | None:
    """Until when this node's agent speaks for it. None: it never did."""
    from jobs.models import NodeLease  # noqa: PLC0415 - not before Django is set up

    return NodeLease.objects.filter(node__name=name).values_list("lease_until", flat=True).first()


def loopback(host: str) -> str:
    """The address under which this machine reaches itself when it listens on every address."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not listened on


def _allowed_host(environment: Environment) -> str:
    """A name under which the web answers, because it refuses requests to any other."""
    name = environment.allowed_hosts[0]
    return "localhost" if name == "*" else name.removeprefix(".")


def _database_now() -> datetime:
    """Leases are by the database's clock."""
    from django.db import connection  # noqa: PLC0415 - not before Django is set up

    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        row = cursor.fetchone()
    moment: datetime = row[0]
    return moment


CHECKS: Final[dict[str, Callable[[Environment], bool]]] = {
    "web": web,
    "scheduler": scheduler,
    "worker": worker,
    "beat": beat,
    "flower": flower,
}


def main(arguments: list[str]) -> int:
    """Check the process that is named; the exit code is the answer."""
    if len(arguments) != 1 or arguments[0] not in CHECKS:
        print(f"usage: python -m jobsite.run.health {'|'.join(CHECKS)}", file=sys.stderr)
        return 2
    name = arguments[0]
    if name not in {"web", "flower"}:
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "jobsite.settings")
        import django  # noqa: PLC0415 - two of the checks do without

        django.setup()
    if CHECKS[name](Environment.read(os.environ)):
        return 0
    print(f"{name} does not do its work.", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
