"""What happens on the platform so that a fault point is reached: each makes one job and says its end."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from signal import SIGCONT, SIGKILL, SIGSTOP

from jobs.execution import processes
from tests.eventually import eventually
from tests.sweep.stage import PATIENCE, Stage

Arm = Callable[[], None]
"""Let the fault happen from now on."""


@dataclass(frozen=True)
class Scenario:
    """How it is played, and how its job ends when nothing is known to have gone wrong with it."""

    play: Callable[[Stage, Arm], int]
    end: str


def _plain(stage: Stage, arm: Arm) -> int:
    arm()
    return stage.submit(stage.tells_its_end)


def _overrun(stage: Stage, arm: Arm) -> int:
    """It does not hear TERM and has a limit of a second."""
    arm()
    return stage.submit("trap '' TERM\nwhile :; do sleep 0.05; done", time_limit="0:00:01")


def _lost_message(stage: Stage, arm: Arm) -> int:
    """The worker takes its message and does nothing with it."""
    stage.arm("consume.after_pop", "raise")
    arm()
    return stage.submit(stage.tells_its_end)


def _unstarted(stage: Stage, arm: Arm) -> int:
    """The worker claims it and does nothing more."""
    stage.arm("claim.after_commit", "raise")
    arm()
    return stage.submit(stage.tells_its_end)


def _cancelled(stage: Stage, arm: Arm) -> int:
    job = stage.running()
    arm()
    stage.cancel(job)
    return job


def _adopted(stage: Stage, arm: Arm) -> int:
    """Its wrapper is killed, so that nobody but the agent can end it."""
    job = stage.running()
    ticket = stage.spool.attempt(job, stage.attempt(job)).ticket()
    assert ticket
    assert ticket.wrapper
    assert processes.send(ticket.wrapper, SIGKILL)
    arm()
    stage.cancel(job)
    return job


def _lost_node(stage: Stage, arm: Arm) -> int:
    """The worker freezes, an operator calls the node lost, others give its job up; then it wakes."""
    job = stage.running()
    worker = stage.platform.kill("worker", SIGSTOP)
    try:
        stage.want("down")
        eventually(lambda: not stage.node_speaks(), within=PATIENCE, what="the end of the lease")
        arm()
        eventually(lambda: stage.recover_and_look(job), within=PATIENCE, every=0.2, what="T19")
    finally:
        os.kill(worker.pid, SIGCONT)
    eventually(stage.node_is_up, within=PATIENCE, what="the node's return")
    stage.want("resume")
    return job


plain = Scenario(_plain, "COMPLETED")
overrun = Scenario(_overrun, "TimeLimit")
lost_message = Scenario(_lost_message, "COMPLETED")
unstarted = Scenario(_unstarted, "COMPLETED")
cancelled = Scenario(_cancelled, "CANCELLED")
adopted = Scenario(_adopted, "CANCELLED")
lost_node = Scenario(_lost_node, "NodeFail")
