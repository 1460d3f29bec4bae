"""The one message, and the wake-ups.

A message only says "look": it carries `[job_id, attempt]` and no authority. Wake-ups are PostgreSQL
notifications, sent by the transaction that they tell about and delivered at its commit.
"""

from typing import Any, Final

from celery import current_app
from django.db import connection
from kombu import Exchange, Queue
from kombu.exceptions import OperationalError

EXECUTE: Final = "jobs.tasks.execute"
SCHEDULER_CHANNEL: Final = "jobsite_scheduler"
AGENT_CHANNEL: Final = "jobsite_agents"
EVERYBODY: Final = "*"
STOP: Final = "stop"
RECOVER: Final = "recover"
REHEARSE: Final = "rehearse"
SWEEP: Final = "sweep"


class BrokerUnreachableError(Exception):
    """The broker did not take the message; whether it arrived all the same is unknown."""


def task_id(job_id: int) -> str:
    """The label by which operators find a job in Flower. It does not deduplicate anything."""
    return f"job_{job_id}"


def node_queue(node_name: str) -> Queue:
    """A node's own queue, with an exchange and a key of its own: shared ones deliver into both queues."""
    name = f"node.{node_name}"
    return Queue(name, Exchange(name), routing_key=name)


def post(name: str, args: list[Any], **options: Any) -> None:
    """Hand one message to the broker. Unit tests put an outbox here."""
    current_app.send_task(name, args=args, retry=False, ignore_result=True, **options)


def publish(job_id: int, attempt: int, node_name: str) -> None:
    """Tell a node to look at a job. Raises BrokerUnreachableError."""
    try:
        post(EXECUTE, [job_id, attempt], task_id=task_id(job_id), queue=node_queue(node_name))
    except (OperationalError, OSError) as error:
        raise BrokerUnreachableError(str(error)) from error


def wake_scheduler() -> None:
    """Something changed that may let a job start."""
    _notify(SCHEDULER_CHANNEL, "")


def wake_agent(node_name: str) -> None:
    """A job of this node is to be stopped."""
    _notify(AGENT_CHANNEL, f"{node_name} {STOP}")


def ask_recovery(*, dry_run: bool = False) -> None:
    """A person asks every agent to sweep its node now, or with `dry_run` to write down what it would do."""
    _notify(AGENT_CHANNEL, f"{EVERYBODY} {REHEARSE if dry_run else RECOVER}")


def remind_agents() -> None:
    """The clock asks for the same; in the ledger only if it finds something."""
    _notify(AGENT_CHANNEL, f"{EVERYBODY} {SWEEP}")


def _notify(channel: str, payload: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [channel, payload])
