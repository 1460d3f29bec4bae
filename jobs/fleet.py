"""Nodes enter, leave and come back to service: the only writer of a node's service and wishes."""

from django.db import transaction

from jobs import messages
from jobs.models import Node, NodeEvent, Partition
from jobs.states import Service

AGENT = "agent"


@transaction.atomic
def enrol(name: str, *, cpus: int, memory_mb: int, gpus: int) -> Node:
    """The node of this name with what it has now. A new one joins the default partition."""
    node, new = Node.objects.get_or_create(
        name=name, defaults={"cpus": cpus, "memory_mb": memory_mb, "gpus": gpus}
    )
    if new:
        for partition in Partition.objects.filter(is_default=True):
            partition.nodes.add(node)
        _record(node, AGENT, "enrolled", f"{cpus} CPUs, {memory_mb} MiB, {gpus} GPUs")
    elif (node.cpus, node.memory_mb, node.gpus) != (cpus, memory_mb, gpus):
        Node.objects.filter(pk=node.pk).update(cpus=cpus, memory_mb=memory_mb, gpus=gpus)
        node.refresh_from_db()
        _record(node, AGENT, "resized", f"now {cpus} CPUs, {memory_mb} MiB, {gpus} GPUs")
    return node


@transaction.atomic
def ask_for(node: Node, service: Service, reason: str, *, actor: str) -> bool:
    """An operator wants the node UP, DRAIN or DOWN. False: it is wanted so already."""
    changed = Node.objects.filter(pk=node.pk).exclude(wanted=service)
    if changed.update(wanted=service, wanted_reason=reason, wanted_by=actor) != 1:
        return False
    _record(node, actor, f"wanted {service}", reason)
    messages.wake_scheduler()
    return True


def _record(node: Node, actor: str, kind: str, message: str) -> None:
    NodeEvent.objects.create(node=node, actor=actor, kind=kind, message=message)
