"""The end of every story: faults stop, everything runs, and within few rounds nothing is left to be done."""

from typing import Final

from jobs import fleet
from jobs.models import Node, ResourceAllocation
from jobs.states import FINAL_STATES, Hold, Service
from tests.machine.moves import Moves

ROUNDS: Final = 20
STEP: Final = 20
"""Seconds from one round to the next, a job's time limit: who is not heard in one is due for T20."""


def heal(machine: Moves) -> None:
    """No more faults. What is broken for good stays so."""
    world = machine.world
    world.broker.is_away = False
    while suspended := world.stage.suspended:
        for task in suspended:  # who waits for another one's lock has its turn again after that one
            if task in world.stage.suspended:
                world.resume(task, None)
    for host in world.hosts:
        host.is_cut_off = host.is_deaf = False
        for entry in host.table.values():
            entry.is_frozen = False
        if host.worker is None and not host.is_broken:
            world.start_worker(host)
        node = Node.objects.filter(name=host.name).first()
        if node is not None:
            wanted = Service.DOWN if host.is_broken else Service.UP
            fleet.ask_for(node, wanted, "the story ends", actor="op")


def round_of_all(machine: Moves) -> None:
    """Everybody has a turn."""
    world = machine.world
    world.pass_time(STEP)
    for host in machine.hosts():
        world.renew(host)
    machine.schedule(0, None)
    while machine.deliverable():
        machine.deliver(0, None)
    end_jobs(machine)
    for number, _ in enumerate(machine.hosts()):
        machine.stop_jobs(number, None)
        machine.sweep(number, None)
    machine.recover(None)
    for host in machine.hosts(with_worker=False):
        if not host.is_broken:
            world.start_worker(host)  # it has left by itself
    machine.oracle.look()


def end_jobs(machine: Moves) -> None:
    """Whatever has begun, or may begin yet, comes to its end."""
    for wrapper in list(machine.world.wrappers):
        for _ in range(3):
            wrapper.step()
        if wrapper.job_runs:
            wrapper.end_job(0)
        wrapper.step()


def what_is_left(machine: Moves) -> list[str]:
    """L1 to L5."""
    rows = machine.oracle.rows.values()
    left = [f"L1: {row}" for row in rows if row.state not in FINAL_STATES and row.hold == Hold.NONE]
    left += [f"L1: {row}" for row in rows if row.hold and row.state not in FINAL_STATES and not row.reason]
    held = ResourceAllocation.objects.unreleased()
    left += [f"L2: {allocation}" for allocation in held]
    left += [
        f"L3: {entry} on {host.name}" for host, entry in machine.world.entries() if entry.kind != "stranger"
    ]
    left += [f"L4: {told}" for told in machine.world.broker.waiting() if not _is_broken(machine, told[0])]
    for node in Node.objects.exclude(service=Service.UP):
        if not _is_broken(machine, node.name):
            left.append(f"L5: {node} is {node.service}: {node.service_reason}")
    return left


def require_an_end(machine: Moves) -> None:
    """Everything comes to its end."""
    heal(machine)
    for _ in range(ROUNDS):
        round_of_all(machine)
        if not what_is_left(machine):
            break
    left = what_is_left(machine)
    assert not left, left
    machine.oracle.look_back()


def _is_broken(machine: Moves, name: str) -> bool:
    return any(host.is_broken for host in machine.world.hosts if host.name == name)
