"""The admin: operators watch all and steer through lifecycle and fleet; nobody edits a state by hand."""

from jobs.admin.allocation import ResourceAllocationAdmin
from jobs.admin.event import JobEventAdmin, NodeEventAdmin
from jobs.admin.job import JobAdmin
from jobs.admin.node import NodeAdmin
from jobs.admin.partition import PartitionAdmin
from jobs.admin.token import ApiTokenAdmin

__all__ = [
    "ApiTokenAdmin",
    "JobAdmin",
    "JobEventAdmin",
    "NodeAdmin",
    "NodeEventAdmin",
    "PartitionAdmin",
    "ResourceAllocationAdmin",
]
