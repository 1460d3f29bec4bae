"""Sends the messages of the newest attempts once more, as a broker does that delivers twice."""

from typing import Any

import psycopg
from celery import Celery
from kombu.exceptions import OperationalError

from jobs.messages import EXECUTE, node_queue, task_id
from tests.chaos.rows import Rows
from tests.chaos.world import World

NEWEST = (
    "SELECT a.job_id, a.attempt, n.name FROM jobs_resourceallocation a JOIN jobs_node n ON n.id = a.node_id"
    " ORDER BY a.id DESC LIMIT %s"
)


class Resender:
    """Somebody beside the broker."""

    def __init__(self, world: World) -> None:
        self._rows = Rows(world.database_url)
        self._app = Celery("chaos", broker=world.environment()["REDIS_URL"], set_as_current=False)

    def resend(self, number: int) -> int:
        """Two copies of each of so many; how many were sent."""
        sent = 0
        options: dict[str, Any] = {"retry": False}
        try:
            for job, attempt, node in self._rows.ask(NEWEST, number):
                options["queue"] = node_queue(node)
                for _ in range(2):
                    self._app.send_task(EXECUTE, [job, attempt], task_id=task_id(job), **options)
                    sent += 1
        except (psycopg.Error, OperationalError, OSError):
            return sent
        return sent

    def close(self) -> None:
        """Hang up."""
        self._rows.close()
        self._app.close()
