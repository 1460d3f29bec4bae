"""What a start leaves in the data directory: secrets, the operator's account, a login link, a CLI token.

Files are made closed (0600) and never made wider. What is there and still valid is kept.
"""

import os
import secrets
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING

from jobsite.environment import Environment
from jobsite.run.processes import door_url, web_url
from jobsite.run.refusal import UnreachableServerError

if TYPE_CHECKING:
    from django.contrib.auth.models import User

OPERATOR = "admin"
ASKING = "running jobs"
"""The thread that may be left behind: nobody waits longer than PATIENCE for what it asks."""
PATIENCE = 0.8


def write_secret(file: Path, text: str) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    unfinished = file.with_name(f".{file.name}.{os.getpid()}")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w") as opened:
        opened.write(f"{text}\n")
    unfinished.replace(file)


def kept_secret(file: Path) -> str:
    """The secret in a file, made at the first start."""
    if not (file.is_file() and file.read_text().strip()):
        write_secret(file, secrets.token_urlsafe(48))
    return file.read_text().strip()


def set_up_django() -> None:
    """The slow import, done while the servers start."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "jobsite.settings"
    import django  # noqa: PLC0415 - only now are the variables of its settings set

    django.setup()


def migrate() -> int:
    """Bring the tables up to date, if they are not; how many migrations were missing."""
    from django.core.management import call_command  # noqa: PLC0415
    from django.db import DatabaseError, connection  # noqa: PLC0415
    from django.db.migrations.executor import MigrationExecutor  # noqa: PLC0415

    try:
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
        if missing:
            call_command("migrate", verbosity=0, interactive=False)
    except DatabaseError as error:
        words = " ".join(str(error).split())
        raise UnreachableServerError(
            "The database", words, "Look at DATABASE_URL and at the server."
        ) from error
    return len(missing)


def refuse_silent_broker(url: str) -> None:
    """A broker of one's own has to answer: without it the worker would wait for ever."""
    from kombu import Connection  # noqa: PLC0415 - not needed for the embedded one
    from kombu.exceptions import OperationalError  # noqa: PLC0415

    with Connection(url, connect_timeout=3) as connection:
        try:
            connection.ensure_connection(max_retries=1, interval_start=0)
        except (OperationalError, OSError) as error:
            words = " ".join(str(error).split())
            raise UnreachableServerError(
                "The broker", words, "Look at REDIS_URL and at the server."
            ) from error


def open_the_door(environment: Environment) -> str:
    """Make the operator's account if it is missing, log the command line in, and answer a login link."""
    write_secret(environment.var / "server-url", web_url(environment))
    operator = _operator(environment.var / "admin-password")
    _keep_cli_token(operator, environment.var / "cli-token")
    return _login_link(operator, environment.var / "login-link", door_url(environment))


def _operator(password_file: Path) -> "User":
    from django.contrib.auth.models import User  # noqa: PLC0415

    found = User.objects.filter(username=OPERATOR).first()
    if found:
        return found
    password = secrets.token_urlsafe(18)
    write_secret(password_file, password)
    return User.objects.create_superuser(OPERATOR, password=password)


def _login_link(user: "User", file: Path, url: str) -> str:
    from jobs.models import LoginLink  # noqa: PLC0415

    link = f"{url}/login/?t={LoginLink.objects.issue(user)}"
    write_secret(file, link)
    return link


def _keep_cli_token(user: "User", file: Path) -> None:
    from jobs.models import ApiToken  # noqa: PLC0415

    if not (file.is_file() and ApiToken.objects.owner_of(file.read_text().strip())):
        write_secret(file, ApiToken.objects.issue(user, name="cli"))


def running_jobs() -> list[tuple[int, str]] | None:
    """Number and name of each job that runs. None: the database does not answer, or not in time."""
    from django.apps import apps  # noqa: PLC0415

    if not apps.ready:  # we were asked to stop before we had begun
        return None
    answer: SimpleQueue[list[tuple[int, str]] | None] = SimpleQueue()
    Thread(target=lambda: answer.put(_ask_for_running()), name=ASKING, daemon=True).start()
    try:
        return answer.get(timeout=PATIENCE)
    except Empty:
        return None


def _ask_for_running() -> list[tuple[int, str]] | None:
    from django.db import DatabaseError, InterfaceError, connection  # noqa: PLC0415

    from jobs.models import Job  # noqa: PLC0415
    from jobs.states import State  # noqa: PLC0415

    try:
        return list(Job.objects.filter(state=State.RUNNING).order_by("pk").values_list("pk", "name"))
    except (DatabaseError, InterfaceError):
        return None
    finally:
        connection.close()
