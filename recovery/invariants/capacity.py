"""Capacity at every event, not only now: the events are folded by id and never give more than a node has."""

from collections import defaultdict

from jobs.models import JobEvent, Node
from jobs.states import EventKind, Phase

HOLDING = {Phase.PLACED, Phase.STARTING, Phase.ACTIVE, Phase.STOPPING}


def overdrafts() -> list[str]:
    """Each moment at which a node had given more CPUs or memory than it has now."""
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
            if node in sizes and (cpus[node] > sizes[node][0] or memory[node] > sizes[node][1]):
                found.append(f"event {pk}: {node} had given {cpus[node]} CPUs and {memory[node]} MiB")
    return found
