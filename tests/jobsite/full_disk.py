"""A platform whose database has a small disk of its own, which gets full and is emptied again.

To be run in a mount namespace, as its root: `python -m tests.jobsite.full_disk DIRECTORY`. It prints as JSON
what each submit was answered while the disk was full and after it was not, and how many jobs there are then.
"""

import base64
import json
import os
import secrets
import subprocess
import sys
from pathlib import Path
from typing import Any

import django

from jobsite.embedded.servers import EmbeddedServers

SIZE, LEFT = "200m", 4_000_000
MOST = 30


def fill(filler: Path) -> None:
    """Take all there is but a little."""
    with filler.open("wb", buffering=0) as file:
        try:
            while file.write(bytes(1 << 20)):
                pass
        except OSError:
            pass
        file.truncate(max(0, file.tell() - LEFT))


def submits(token: str) -> Any:
    """A function that submits a large script, and tells the status and what was said."""
    from django.test import Client  # noqa: PLC0415 - not before the servers

    client = Client(headers={"Authorization": f"Bearer {token}"}, raise_request_exception=False)

    def submit() -> tuple[int, str]:
        script = f"#!/bin/sh\n: {base64.b64encode(os.urandom(600_000)).decode()}\n"
        answer = client.post("/api/v1/jobs/", {"script": script, "memory": 16}, "application/json")
        return answer.status_code, answer.json().get("detail", "")

    return submit


def play(directory: Path) -> dict[str, Any]:
    """The whole story."""
    from django.contrib.auth.models import User  # noqa: PLC0415 - not before the servers
    from django.core.management import call_command  # noqa: PLC0415
    from django.db import connection  # noqa: PLC0415
    from django.test.utils import setup_test_environment  # noqa: PLC0415

    from jobs.models import ApiToken, Job, JobEvent  # noqa: PLC0415

    setup_test_environment()
    call_command("migrate", verbosity=0)
    submit = submits(ApiToken.objects.issue(User.objects.create(username="ana"), "tests"))
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_switch_wal()")
        cursor.execute("CHECKPOINT")
    fill(directory / "filler")
    full: list[tuple[int, str]] = []
    while len(full) < MOST and (not full or full[-1][0] == 201):
        full.append(submit())
    (directory / "filler").unlink()
    after = [submit()]
    return {"full": full, "after": after, "jobs": Job.objects.count(), "events": JobEvent.objects.count()}


def main(directory: Path) -> None:
    """Mount, serve, play."""
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=0700", "none", str(directory)]
    subprocess.run(mount, check=True)
    with EmbeddedServers(directory / "v") as servers:
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "jobsite.settings",
            "JOBSITE_VAR": str(directory / "v"),
            "JOBSITE_SECRET_KEY": secrets.token_urlsafe(48),
            "DATABASE_URL": servers.database_url,
            "REDIS_URL": servers.redis_url,
        }
        os.environ.pop("LISTEN_DATABASE_URL", None)
        django.setup()
        sys.stdout.write(json.dumps(play(directory)))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
