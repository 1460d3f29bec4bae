"""The records. Their querysets speak the domain; who may write them is lifecycle's and fleet's business."""

from jobs.models.access import ApiToken, LoginAttempt, LoginLink
from jobs.models.allocation import AllocatedGpu, ResourceAllocation
from jobs.models.cluster import Cluster
from jobs.models.event import JobEvent, NodeEvent
from jobs.models.forgotten import Forgotten
from jobs.models.job import Job
from jobs.models.node import Node, NodeLease
from jobs.models.partition import Partition
from jobs.models.tally import Counter, Tally

__all__ = [
    "AllocatedGpu",
    "ApiToken",
    "Cluster",
    "Counter",
    "Forgotten",
    "Job",
    "JobEvent",
    "LoginAttempt",
    "LoginLink",
    "Node",
    "NodeEvent",
    "NodeLease",
    "Partition",
    "ResourceAllocation",
    "Tally",
]
