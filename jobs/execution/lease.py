"""A node's lease: by the database's clock; here believed by one that goes on while the machine sleeps."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.db.models import F

from jobs import messages
from jobs.execution.renewals import Renewals, boottime
from jobs.faults import faultpoint
from jobs.models import Node, NodeLease
from jobs.models.clock import ClockTimestamp, from_now
from jobs.states import Service

logger = logging.getLogger(__name__)


class LeaseLostError(Exception):
    """Another agent speaks for this node now. This one must stop."""


class LeaseKeeper:
    """Holds the lease of one node for one agent.

    `claiming` and `renew` exclude each other, so that no job is claimed on the strength of a lease that is
    being lost at that moment.
    """

    def __init__(
        self, node: Node, *, boot_id: str, spool_id: str, lease: timedelta, renewals: Renewals | None = None
    ) -> None:
        self._node = node
        self._renewals = renewals
        self._boot_id = boot_id
        self._spool_id = spool_id
        self._lease = lease
        self._lock = threading.Lock()
        self._incarnation = 0
        self._held_until = 0.0

    def take(self) -> bool:
        """Take the lease if it is free: new, over, or of an earlier life on this spool and boot.

        False: not yet. What others gave up while nobody spoke for the node starts no more, as in `renew`.
        """
        began = boottime()
        with self._lock:
            self._begin()
            if not (self._create() or self._take_over()):
                return False
            self._refuse_what_was_given_up()
            self._renewed(began)
        messages.wake_scheduler()
        return True

    def renew(self, *, hears_broker: bool) -> bool:
        """Renew it. Answers whether others have given the node up meanwhile.

        No clock here need have told of that: those of a paused virtual machine stand still. Who gives a node
        up locks its lease, finds it over, and says so in one transaction: before this renewal, or not at all.
        It needs no transaction of its own, in which a frozen agent would keep its lease locked.
        Raises LeaseLostError when another agent has taken it.
        """
        began = boottime()
        with self._lock:
            self._begin()
            faultpoint("lease.before_renew")
            changes = {"broker_ok_at": ClockTimestamp()} if hears_broker else {}
            mine = NodeLease.objects.filter(node=self._node, incarnation=self._incarnation)
            if mine.update(lease_until=from_now(self._lease), **changes) != 1:
                self._held_until = 0.0
                raise LeaseLostError(self._node.name)
            given_up = self._refuse_what_was_given_up()
            self._renewed(began)
            return given_up

    def give_up(self) -> None:
        """Claim nothing any more.

        The row runs out by itself, or the next agent of this spool takes it over.
        """
        with self._lock:
            self._held_until = 0.0

    @contextmanager
    def claiming(self) -> Iterator[bool]:
        """In here no renewal happens. Answers whether the lease is held; if not, nothing may be claimed."""
        with self._lock:
            yield boottime() < self._held_until

    def _refuse_what_was_given_up(self) -> bool:
        """Answers whether the node was. Before the renewal is noted: wrappers believe in what is noted."""
        given_up = Node.objects.filter(pk=self._node.pk, service=Service.DOWN).exists()
        if given_up and self._renewals is not None:
            self._renewals.refuse_late_starts()
        return given_up

    def _begin(self) -> None:
        if self._renewals is not None:
            self._renewals.begin()

    def _renewed(self, began: float) -> None:
        self._held_until = began + self._lease.total_seconds()
        if self._renewals is not None:
            self._renewals.note()

    def _create(self) -> bool:
        try:
            with transaction.atomic():
                NodeLease.objects.create(
                    node=self._node,
                    incarnation=1,
                    boot_id=self._boot_id,
                    spool_id=self._spool_id,
                    lease_until=from_now(self._lease),
                )
        except IntegrityError:
            return False
        self._incarnation = 1
        return True

    def _take_over(self) -> bool:
        seen = NodeLease.objects.get(node=self._node)
        mine_before = seen.boot_id == self._boot_id and seen.spool_id == self._spool_id
        free = NodeLease.objects.filter(node=self._node, incarnation=seen.incarnation)
        if not mine_before:
            free = free.filter(lease_until__lte=ClockTimestamp())
        won = free.update(
            incarnation=F("incarnation") + 1,
            boot_id=self._boot_id,
            spool_id=self._spool_id,
            lease_until=from_now(self._lease),
        )
        if won == 1:
            self._incarnation = seen.incarnation + 1
        return won == 1
