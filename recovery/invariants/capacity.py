"""Capacity at every event, not only now: the events are folded by id and never give more than a node had."""

from collections import defaultdict
from typing import Any

from jobs.models import JobEvent, Node
from jobs.states import EventKind, Phase

Size = tuple[int, int]
HOLDING = {Phase.PLACED, Phase.STARTING, Phase.ACTIVE, Phase.STOPPING}


def overdrafts() -> list[str]:
    """Each moment at which a node had given more CPUs or memory than it had, by the event's own word."""
    sizes = {node.name: (node.cpus, node.memory_mb) for node in Node.objects.all()}
    held: dict[int, tuple[str, int, int]] = {}
    cpus: dict[str, int] = defaultdict(int)
    memory: dict[str, int] = defaultdict(int)
    found = []
    events = JobEvent.objects.order_by("pk").values_list("pk", "job_id", "kind", "to_phase", "evidence")
    for pk, job_id, kind, to_phase, facts in events.iterator():
        if to_phase not in HOLDING and job_id in held:
            node, had_cpus, had_memory = held.pop(job_id)
            cpus[node] -= had_cpus
            memory[node] -= had_memory
        if kind == EventKind.PLACED:
            node = facts["node"]
            held[job_id] = (node, facts["cpus"], facts["memory_mb"])
            cpus[node] += facts["cpus"]
            memory[node] += facts["memory_mb"]
            if _is_too_much(cpus[node], memory[node], _size(facts, sizes.get(node))):
                found.append(f"event {pk}: {node} had given {cpus[node]} CPUs and {memory[node]} MiB")
    return found


def _size(facts: dict[str, Any], now: Size | None) -> Size | None:
    """The node's size when the job was placed; of an older event, the present one."""
    if "node_cpus" in facts:
        return facts["node_cpus"], facts["node_memory_mb"]
    return now


def _is_too_much(cpus: int, memory_mb: int, size: Size | None) -> bool:
    return size is not None and (cpus > size[0] or memory_mb > size[1])
