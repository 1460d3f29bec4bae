"""When recovery runs by itself: at a worker's start, and whenever the agent says that a sweep is due."""

import logging
import threading
from typing import Any

from celery.signals import worker_ready
from django.db import connections
from django.dispatch import receiver

from jobs.execution import agents
from jobs.execution.signals import sweep_due
from jobs.execution.station import Station
from recovery.manager import RecoveryManager

logger = logging.getLogger("recovery")

_sweeping = threading.Lock()
"""At a worker's start both want a sweep. Side by side they look at each job twice, for twice as long."""


@receiver(sweep_due)
def sweep(*, station: Station, trigger: str, dry_run: bool, **_: Any) -> None:
    """The agent's timer, or an operator, wants a sweep of this node."""
    with _sweeping:
        RecoveryManager(station).recover(trigger=trigger, dry_run=dry_run)


@worker_ready.connect
def recover_on_startup(**_: Any) -> None:
    """In a thread: this handler runs before the worker's loop, and would block it."""
    for agent in agents.running():
        threading.Thread(target=_recover, args=[agent.station], name="recovery", daemon=True).start()


def _recover(station: Station) -> None:
    try:
        with _sweeping:
            RecoveryManager(station).recover_on_startup()
    except Exception:
        logger.exception("recovery at the start failed; the agent's timer tries again")
    finally:
        connections.close_all()
