"""The chain the product is named for, in the order in which it runs."""

from recovery.strategies.base import RecoveryStrategy
from recovery.strategies.composite import CompositeRecoveryStrategy
from recovery.strategies.orphan import OrphanJobRecoveryStrategy
from recovery.strategies.pending import PendingJobRecoveryStrategy
from recovery.strategies.stale_allocation import StaleAllocationCleanupStrategy
from recovery.strategies.timeout import TimeoutJobRecoveryStrategy

__all__ = [
    "CompositeRecoveryStrategy",
    "OrphanJobRecoveryStrategy",
    "PendingJobRecoveryStrategy",
    "RecoveryStrategy",
    "StaleAllocationCleanupStrategy",
    "TimeoutJobRecoveryStrategy",
]
