"""The agent of this worker process, for the threads that need it."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jobs.execution.agent import NodeAgent

_current: "list[NodeAgent]" = []


def current() -> "NodeAgent":
    """The agent of this worker process."""
    return _current[0]


def running() -> "list[NodeAgent]":
    """This process's agent, if it has one."""
    return list(_current)


def set_current(agent: "NodeAgent | None") -> None:
    """Make this the process's agent."""
    _current[:] = [] if agent is None else [agent]
