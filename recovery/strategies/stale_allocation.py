"""Resources that a job holds without right are released, and the alarm is raised."""

import logging
from collections.abc import Iterable
from datetime import datetime
from itertools import chain

from django.conf import settings

from jobs import lifecycle
from jobs.models import ResourceAllocation
from recovery.result import Seen
from recovery.strategies.base import BATCH, RecoveryStrategy

logger = logging.getLogger(__name__)


class StaleAllocationCleanupStrategy(RecoveryStrategy[ResourceAllocation]):
    """A job ended or went back to the queue, and its resources are still taken: they are released.

    No transition leaves such a row. It mends what a bug, a restored backup or a hand in the database left.
    """

    def find(self, now: datetime) -> Iterable[ResourceAllocation]:
        """Unreleased as a whole, or in one GPU, though no attempt of its job holds it by right."""
        long_ago = now - settings.STALE_GRACE
        allocations = ResourceAllocation.objects.select_related("job").order_by("pk")
        return chain(allocations.stale(long_ago)[:BATCH], allocations.leaking(long_ago)[:BATCH])

    def look(self, sick: ResourceAllocation) -> Seen:
        """What it holds, and where its job really is."""
        held = {
            "allocation": sick.pk,
            "node": sick.node_id,
            "status": sick.status,
            "cpus": sick.cpus,
            "memory_mb": sick.memory_mb,
            "gpus": sick.gpus,
            "job_phase": sick.job.phase,
            "job_attempt": sick.job.attempt,
        }
        return Seen(held, "release")

    def mend(self, sick: ResourceAllocation) -> bool:
        """Release it."""
        logger.error("allocation %s of job %s was left taken", sick.pk, sick.job_id)
        return lifecycle.mend_allocation(sick, "resources that nobody held by right", actor="recovery")

    def pair(self, sick: ResourceAllocation) -> tuple[int, int]:
        """Its job and attempt."""
        return sick.job_id, sick.attempt
