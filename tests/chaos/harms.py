"""How each fault is done. It answers whom it met, or None where there is nobody to meet at the moment."""

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from signal import SIGQUIT, SIGSTOP
from typing import Final, NamedTuple, TypeVar

import redis

from tests.acceptance.proxy import Proxy
from tests.chaos import node as nodes
from tests.chaos.injuries import Injury
from tests.chaos.node import Node, thaw
from tests.chaos.schedule import Harm, PlannedFault
from tests.chaos.world import World

One = TypeVar("One")
SLOW: Final = 0.25
"""Seconds for which each piece of data is on its way to or from a slow broker."""
STORM: Final = 10
COPIES: Final = 30
"""Of the newest messages, so many are sent once more."""


class Deed(NamedTuple):
    """A fault that is being done."""

    fault: PlannedFault
    injury: Injury
    held: ExitStack


class Harms:
    """Does faults to a world."""

    def __init__(
        self,
        world: World,
        *,
        live: Callable[[], list[int]],
        resend: Callable[[int], int],
        cancel: Callable[[int], None],
    ) -> None:
        self._world = world
        self._live, self._resend, self._cancel = live, resend, cancel
        self._ways: dict[Harm, Callable[[Deed], bool]] = {
            Harm.WORKER: self._kill_worker,
            Harm.WRAPPER: self._kill_wrapper,
            Harm.JOB: self._kill_job,
            Harm.BROKER_KILL: self._kill_broker,
            Harm.BROKER_FLUSH: self._flush_broker,
            Harm.BROKER_DUP: self._repeat_messages,
            Harm.BROKER_CUT: self._cut_broker,
            Harm.BROKER_MUTE: self._mute_broker,
            Harm.BROKER_SLOW: self._slow_broker,
            Harm.POSTGRES: self._crash_postgres,
            Harm.REBOOT: self._reboot,
            Harm.PARTITION: self._partition,
            Harm.STOP: self._stop,
            Harm.BEAT: self._kill_beat,
            Harm.DISK_FULL: self._fill_disk,
            Harm.CANCELS: self._cancel_many,
        }

    def do(self, fault: PlannedFault, held: ExitStack) -> Injury | None:
        """Do it now. What it holds is let go when `held` is closed. None: it can meet nobody now."""
        deed = Deed(fault, Injury(fault.number, fault.harm, time.time()), held)
        return deed.injury if self._ways[fault.harm](deed) else None

    def _node(self, deed: Deed) -> Node:
        node = _chosen([*self._world.nodes.values()], deed.fault.choice)
        deed.injury.nodes, deed.injury.met = frozenset({node.name}), node.name
        return node

    def _kill_worker(self, deed: Deed) -> bool:
        """The whole Celery tree of a node: its worker, and its launcher in the same moment."""
        node = self._node(deed)
        launcher = node.launcher()
        killed = node.worker.kill()
        if launcher is not None:
            nodes.kill(launcher)
        return killed

    def _kill_wrapper(self, deed: Deed) -> bool:
        """One alone or, every second time, with its job."""
        return self._kill_of_ticket(deed, wrapper=True, job=deed.fault.number % 2 == 1)

    def _kill_job(self, deed: Deed) -> bool:
        return self._kill_of_ticket(deed, wrapper=False, job=True)

    def _kill_of_ticket(self, deed: Deed, *, wrapper: bool, job: bool) -> bool:
        living = [
            (pair, ticket) for node in self._world.nodes.values() for pair, ticket in node.tickets().items()
        ]
        if not living:
            return False
        pair, ticket = _chosen(sorted(living, key=lambda each: each[0]), deed.fault.choice)
        victims = [ticket.wrapper] * wrapper + [ticket.job] * job
        deed.injury.pairs, deed.injury.jobs = frozenset({pair}), frozenset({pair[0]})
        deed.injury.met = f"{' and '.join(['wrapper'] * wrapper + ['job'] * job)} of {pair[0]}.{pair[1]}"
        return bool([victim for victim in victims if victim is not None and nodes.kill(victim)])

    def _kill_broker(self, deed: Deed) -> bool:
        return self._hits_all(deed) and self._world.kept["broker"].kill()

    def _flush_broker(self, deed: Deed) -> bool:
        self._hits_all(deed)
        with suppress(redis.RedisError), self._broker() as broker:
            return bool(broker.flushall())
        return False

    def _repeat_messages(self, deed: Deed) -> bool:
        """Those that wait, and those of the newest jobs."""
        self._hits_all(deed)
        copies = 0
        with suppress(redis.RedisError), self._broker() as broker:
            for name in self._world.nodes:
                waiting: Sequence[bytes] = broker.lrange(f"node.{name}", 0, -1)
                copies += len(waiting)
                for message in waiting:
                    broker.lpush(f"node.{name}", message, message)
            copies += self._resend(COPIES)
        deed.injury.met = f"{copies} messages"
        return copies > 0

    def _cut_broker(self, deed: Deed) -> bool:
        deed.held.enter_context(self._road(deed).cut())
        return True

    def _mute_broker(self, deed: Deed) -> bool:
        deed.held.enter_context(self._road(deed).half_open())
        return True

    def _slow_broker(self, deed: Deed) -> bool:
        road = self._road(deed)
        road.delay = SLOW
        deed.held.callback(setattr, road, "delay", 0.0)
        return True

    def _road(self, deed: Deed) -> Proxy:
        """Of a node, or of everybody else."""
        number = int(deed.fault.choice * (len(self._world.nodes) + 1))
        if number == len(self._world.nodes):
            deed.injury.met = "web, schedulers and Beat"
            return self._world.road
        node = [*self._world.nodes.values()][number]
        deed.injury.nodes, deed.injury.met = frozenset({node.name}), node.name
        return node.to_broker

    def _crash_postgres(self, deed: Deed) -> bool:
        """As `pg_ctl stop --mode immediate`: nothing is written any more, and the log is replayed."""
        return self._hits_all(deed) and self._world.kept["postgres"].send(SIGQUIT) is not None

    def _reboot(self, deed: Deed) -> bool:
        node = self._node(deed)
        node.worker.held_until = time.monotonic() + deed.fault.lasts
        node.reboot()
        return True

    def _partition(self, deed: Deed) -> bool:
        self._node(deed).cut_off(deed.held)
        return True

    def _stop(self, deed: Deed) -> bool:
        """A worker, a whole machine with its jobs, or a scheduler."""
        which = int(deed.fault.choice * 1000) % 4
        if which == 3:
            name = f"scheduler-{1 + int(deed.fault.choice * 2)}"
            stopped = [one] if (one := self._world.kept[name].send(SIGSTOP)) else []
            deed.injury.met = name
        else:
            node = self._node(deed)
            one = node.worker.send(SIGSTOP) if which < 2 else None
            stopped = ([one] if one else []) if which < 2 else node.freeze()
            deed.injury.met = f"worker of {node.name}" if which < 2 else f"all of {node.name}"
        deed.held.callback(thaw, stopped)
        return bool(stopped)

    def _kill_beat(self, deed: Deed) -> bool:
        deed.injury.met = "beat"
        return self._world.kept["beat"].kill()

    def _fill_disk(self, deed: Deed) -> bool:
        """Of the node that has one of its own."""
        for node in self._world.nodes.values():
            if node.has_own_disk:
                deed.injury.nodes, deed.injury.met = frozenset({node.name}), node.name
                deed.held.callback(node.fill_disk().unlink, missing_ok=True)
                return True
        return False

    def _cancel_many(self, deed: Deed) -> bool:
        """Some of those that have not ended."""
        living = self._live()
        first = int(deed.fault.choice * len(living))
        chosen = [*living[first:], *living[:first]][:STORM]
        for job in chosen:
            self._cancel(job)
        deed.injury.jobs, deed.injury.met = frozenset(chosen), f"{len(chosen)} jobs"
        return bool(chosen)

    def _hits_all(self, deed: Deed) -> bool:
        deed.injury.nodes = frozenset(self._world.nodes)
        return True

    def _broker(self) -> redis.Redis:
        return redis.Redis(unix_socket_path=str(self._world.broker_socket), socket_timeout=2)


def _chosen(among: Sequence[One], choice: float) -> One:
    return among[int(choice * len(among))]
