"""Nodes enter, leave and come back to service: the only writer of a node's service and wishes."""

from datetime import timedelta
from typing import Final

from django.db import transaction

from jobs import messages
from jobs.errors import InvalidSpec
from jobs.models import Node, NodeEvent, Partition
from jobs.states import Service

AGENT = "agent"
LONGEST_REASON: Final = 200


@transaction.atomic
def enrol(name: str, *, cpus: int, memory_mb: int, gpus: int) -> Node:
    """The node of this name; a new one joins the default partition.

    One that is there keeps its size: whoever asks may not be the machine that speaks for it.
    """
    size = {"cpus": cpus, "memory_mb": memory_mb, "gpus": gpus}
    node, new = Node.objects.get_or_create(name=name, defaults=size)
    if new:
        for partition in Partition.objects.filter(is_default=True):
            partition.nodes.add(node)
        _record(node, AGENT, "enrolled", f"{cpus} CPUs, {memory_mb} MiB, {gpus} GPUs")
    return node


@transaction.atomic
def open_partition(name: str, *, priority: int, time_limit: timedelta) -> Partition:
    """The partition of this name. A new one, or one without a node, gets every node that there is.

    One that is there keeps its limits, its priority and its state: they are an operator's.
    """
    limits = {"priority": priority, "default_time_limit": time_limit, "max_time_limit": time_limit}
    partition, _ = Partition.objects.get_or_create(name=name, defaults=limits)
    if not partition.nodes.exists():
        partition.nodes.set(Node.objects.all())
        messages.wake_scheduler()
    return partition


@transaction.atomic
def resize(name: str, *, cpus: int, memory_mb: int, gpus: int) -> bool:
    """The node has this size now. Only for the agent that holds its lease. False: it had it before."""
    size = {"cpus": cpus, "memory_mb": memory_mb, "gpus": gpus}
    other = Node.objects.filter(name=name).exclude(**size)
    if other.update(**size) != 1:
        return False
    _record(Node.objects.get(name=name), AGENT, "resized", f"now {cpus} CPUs, {memory_mb} MiB, {gpus} GPUs")
    messages.wake_scheduler()
    return True


def tell_enforcement(name: str, table: dict[str, dict[str, str]]) -> None:
    """How each limit holds on this node, as its agent has tried it out. Only for the agent with its lease."""
    Node.objects.filter(name=name).update(enforcement=table)


def read_reason(said: object, *, needed: bool) -> str:
    """Why an operator wants something of a node: one line. Raises InvalidSpec with what is allowed."""
    reason = said.strip() if isinstance(said, str) else said
    if reason == "" and not needed:
        return ""
    if not isinstance(reason, str) or not reason:
        raise InvalidSpec({"reason": ["Say why: a line of text that the node's page shows."]})
    if not reason.isprintable():
        raise InvalidSpec({"reason": ["It has a character that cannot be printed; it is one line of text."]})
    if len(reason) > LONGEST_REASON:
        raise InvalidSpec({"reason": [f"It has {len(reason)} characters; it may have {LONGEST_REASON}."]})
    return reason


@transaction.atomic
def ask_for(node: Node, service: Service, reason: str, *, actor: str) -> bool:
    """An operator wants the node UP, DRAIN or DOWN. False: it is wanted so already."""
    changed = Node.objects.filter(pk=node.pk).exclude(wanted=service)
    if changed.update(wanted=service, wanted_reason=reason, wanted_by=actor) != 1:
        return False
    _record(node, actor, f"wanted {service}", reason)
    messages.wake_scheduler()
    return True


@transaction.atomic
def set_service(node: Node, service: Service, reason: str, by: str) -> bool:
    """The platform itself puts a node in or out of service. False: it is so already, or not as `node` says.

    It moves from the service and reason that the caller saw; what an operator wants stays as it is.
    """
    told, reason = reason, "" if service == Service.UP else reason[:LONGEST_REASON]
    if (node.service, node.service_reason) == (service, reason):
        return False
    seen = Node.objects.filter(pk=node.pk, service=node.service, service_reason=node.service_reason)
    if seen.update(service=service, service_reason=reason, service_by=by) != 1:
        return False
    node.service, node.service_reason, node.service_by = service, reason, by
    _record(node, by, f"service {service}", told)
    messages.wake_scheduler()
    return True


def tell(node: Node, by: str, kind: str, message: str) -> None:
    """Something to know about a node that changes nothing in its row."""
    _record(node, by, kind, message)


def _record(node: Node, actor: str, kind: str, message: str) -> None:
    NodeEvent.objects.create(node=node, actor=actor, kind=kind, message=message)
