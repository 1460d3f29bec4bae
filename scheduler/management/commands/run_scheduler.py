"""`manage.py run_scheduler`: the scheduler daemon, leader or standby."""

import logging
import os
import signal
import socket
import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import DatabaseError, connection

from jobs.ear import Ear
from jobs.messages import SCHEDULER_CHANNEL
from scheduler.cycle import run_pass
from scheduler.leader import DeposedError, Leader

logger = logging.getLogger("scheduler")


class Command(BaseCommand):
    """Places waiting jobs while it leads, and stands by otherwise."""

    help = "Run the scheduler. Several may run; one leads, and another takes over when its lease is over."

    def handle(self, *_args: Any, **_options: Any) -> None:
        self.stopping = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        self.leader = Leader(f"{socket.gethostname()}:{os.getpid()}", settings.SCHEDULER_LEASE)
        self.renewed = 0.0
        logger.info("scheduler started")
        with Ear(settings.LISTEN_DATABASE_URL, SCHEDULER_CHANNEL) as ear:
            while not self.stopping:
                self._turn()
                ear.wait(self._patience())
        self._step_down()

    def _patience(self) -> float:
        tick: float = settings.SCHEDULER_TICK.total_seconds()
        return min(tick, settings.SCHEDULER_RENEWAL.total_seconds())

    def _turn(self) -> None:
        """Lead or stand by, once. A database that is away ends the turn, not the daemon."""
        try:
            if self._leads():
                run_pass(self.leader)
        except DeposedError:
            logger.warning("leads no longer; nothing was placed")
        except DatabaseError as error:
            logger.warning("the database does not answer: %s", str(error).strip())
            connection.close()

    def _leads(self) -> bool:
        due = time.monotonic() - self.renewed >= settings.SCHEDULER_RENEWAL.total_seconds()
        if self.leader.term is not None and not due:
            return True
        led = self.leader.term is not None
        leads = self.leader.campaign()
        if leads:
            self.renewed = time.monotonic()
            if not led:
                logger.info("leads with term %s", self.leader.term)
        return leads

    def _step_down(self) -> None:
        try:
            self.leader.step_down()
        except DatabaseError as error:
            logger.warning("could not step down: %s", str(error).strip())

    def _stop(self, *_: object) -> None:
        self.stopping = True
