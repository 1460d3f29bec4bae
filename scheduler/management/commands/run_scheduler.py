"""`manage.py run_scheduler`: the scheduler daemon, leader or standby."""

import logging
import os
import signal
import socket
import threading
import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import DatabaseError, InterfaceError, connection

from jobs.ear import Ear
from jobs.messages import SCHEDULER_CHANNEL
from scheduler.cycle import run_pass
from scheduler.leader import DeposedError, Leader

logger = logging.getLogger("scheduler")

LONGEST_REST = 0.2


class Command(BaseCommand):
    """Places waiting jobs while it leads, and stands by otherwise."""

    help = "Run the scheduler. Several may run; one leads, and another takes over when its lease is over."

    def handle(self, *_args: Any, **_options: Any) -> None:
        self.stopping = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        self.leader = Leader(f"{socket.gethostname()}:{os.getpid()}", settings.SCHEDULER_LEASE)
        self.asked = 0.0
        self.breath = threading.Event()
        logger.info("scheduler started")
        with Ear(settings.LISTEN_DATABASE_URL, SCHEDULER_CHANNEL) as ear:
            while not self.stopping:
                begun = time.monotonic()
                self._turn()
                self._rest(time.monotonic() - begun)
                ear.wait(self._patience())
        self._step_down()

    def _patience(self) -> float:
        tick: float = settings.SCHEDULER_TICK.total_seconds()
        return min(tick, settings.SCHEDULER_RENEWAL.total_seconds())

    def _rest(self, took: float) -> None:
        """As long as the turn took. What wakes it meanwhile is one turn: a burst does not cost a turn each.

        A short queue's turn takes milliseconds, and so does this.
        """
        self.breath.wait(min(took, LONGEST_REST))

    def _turn(self) -> None:
        """Lead or stand by, once. A database that is away ends the turn, not the daemon."""
        try:
            if self._leads():
                run_pass(self.leader)
        except DeposedError:
            logger.warning("leads no longer; nothing was placed")
        except (DatabaseError, InterfaceError) as error:
            logger.warning("the database does not answer: %s", str(error).strip())
            connection.close()

    def _leads(self) -> bool:
        """A standby that is woken with the leader does not ask each time whether that one still leads."""
        term = self.leader.term
        led = term is not None
        if time.monotonic() - self.asked < settings.SCHEDULER_RENEWAL.total_seconds():
            return led
        self.asked = time.monotonic()
        leads = self.leader.campaign()
        if leads and self.leader.term != term:
            logger.info("leads with term %s", self.leader.term)
        elif led and not leads:
            logger.info("leads no longer; it was term %s", term)
        return leads

    def _step_down(self) -> None:
        try:
            self.leader.step_down()
        except (DatabaseError, InterfaceError) as error:
            logger.warning("could not step down: %s", str(error).strip())

    def _stop(self, *_: object) -> None:
        self.stopping = True
