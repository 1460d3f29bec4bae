"""What people and the platform itself do: T1 to T22, each by the door that does it in production."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import ClassVar, Final, TypeVar

from django.contrib.auth.models import User
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from jobs import fleet, lifecycle, submission
from jobs.execution import runner
from jobs.execution.sweeps import TIMER
from jobs.models import Job, Node, Partition
from jobs.states import FINAL_STATES, Hold, Service, Source
from recovery.manager import RecoveryManager
from scheduler.cycle import run_pass
from tests import making
from tests.machine.host import Host
from tests.machine.oracle import Oracle
from tests.machine.stage import KINDS, Pause, Process
from tests.machine.world import World

MOST_JOBS: Final = 4
HEARTBEAT: Final = 1.0
ANY: Final = st.integers(0, 11)
"""One of however many there are."""
PAUSES: Final = st.one_of(
    st.none(), st.none(), st.builds(Pause, kind=st.sampled_from(KINDS), count=st.integers(1, 5))
)
"""Most go on to their end; a third stops in the middle."""
WANTED: Final = st.tuples(st.integers(1, 2), st.booleans(), st.integers(0, 1))
"""CPUs; whether it may run again; GPUs."""
Thing = TypeVar("Thing")


def one_of(things: Sequence[Thing], number: int) -> Thing:
    """The one of this number, counted round and round."""
    return things[number % len(things)]


class Moves(RuleBasedStateMachine):
    """All that goes on without a fault."""

    world: ClassVar[World]

    def __init__(self) -> None:
        super().__init__()
        self.oracle = Oracle(self.world)
        self.keys = self.steps = 0
        self.world.begin()

    @initialize(expires=st.booleans(), wanted=st.lists(WANTED, min_size=1, max_size=3))
    def begin(self, wanted: list[tuple[int, bool, int]], *, expires: bool) -> None:
        """There are jobs from the beginning. In some stories those that wait for long expire."""
        if expires:
            Partition.objects.update(max_pending=timedelta(seconds=60))
        for cpus, requeue, gpus in wanted:
            self.submit(cpus=cpus, requeue=requeue, gpus=gpus, pause=None)

    def jobs(self) -> list[int]:
        """Their numbers."""
        return sorted(self.oracle.accepted)

    def hosts(self, *, with_worker: bool = True) -> list[Host]:
        """Those whose worker reaches the database."""
        return [host for host in self.world.hosts if not host.is_cut_off and bool(host.worker) is with_worker]

    @precondition(lambda self: len(self.oracle.accepted) < MOST_JOBS)
    @rule(cpus=st.integers(1, 2), requeue=st.booleans(), gpus=st.integers(0, 1), pause=PAUSES)
    def submit(self, cpus: int, *, requeue: bool, gpus: int, pause: Pause | None) -> None:
        """T1. Told twice, with the same key, it is one job."""
        self.keys += 1
        key = f"key {self.keys}"
        wanted = making.spec(
            cpus=cpus,
            gpus=gpus,
            requeue=requeue,
            max_attempts=2,
            work_dir="/",
            time_limit=timedelta(seconds=20),
        )

        def act() -> tuple[Job, bool]:
            return lifecycle.submit(wanted, self.owner(), source=Source.API, key=key)

        told = self.world.perform("submit", Process("web"), act, pause)
        if told is not None:
            self.oracle.accepted.add(told[0].pk)
            again, is_new = act()
            assert (again.pk, is_new) == (told[0].pk, False), "I10: one key, two jobs"

    @precondition(lambda self: self.oracle.accepted)
    @rule(number=ANY, pause=PAUSES)
    def cancel(self, number: int, pause: Pause | None) -> None:
        """T5, T11."""
        self._of_job("cancel", number, pause, lambda job: lifecycle.cancel(job, actor="ana"))

    @precondition(lambda self: self.oracle.accepted)
    @rule(number=ANY, pause=PAUSES)
    def hold_or_release(self, number: int, pause: Pause | None) -> None:
        """T4b too, where it has its place."""

        def act(job: Job) -> bool:
            if job.is_held:
                return lifecycle.release(job, actor="ana")
            return lifecycle.hold(job, Hold.USER, actor="ana")

        self._of_job("hold", number, pause, act)

    @precondition(lambda self: self.ended() and len(self.oracle.accepted) < MOST_JOBS)
    @rule(number=ANY)
    def rerun(self, number: int) -> None:
        """T22."""
        job = Job.objects.get(pk=one_of(self.ended(), number))
        again = self.world.perform(
            "rerun", Process("web"), lambda: submission.rerun(job, self.owner(), source=Source.API)
        )
        if again is not None:
            self.oracle.accepted.add(again.pk)

    @rule(number=ANY, service=st.sampled_from([Service.UP, Service.UP, Service.DRAIN, Service.DOWN]))
    def wish(self, number: int, service: Service) -> None:
        """An operator wants a node in or out of service."""
        node = Node.objects.get(name=one_of(self.world.hosts, number).name)
        self.world.perform("wish", Process("web"), lambda: fleet.ask_for(node, service, "a wish", actor="op"))

    @rule(number=ANY, pause=PAUSES)
    def schedule(self, number: int, pause: Pause | None) -> None:
        """T2, T3, T4b."""
        scheduler = one_of(self.world.schedulers, number)

        def act() -> None:
            if scheduler.leader.campaign():
                run_pass(scheduler.leader)

        if not self.world.is_doing(scheduler.name):
            self.world.perform(scheduler.name, scheduler, act, pause)

    @rule(number=ANY, pause=PAUSES)
    def start_one(self, number: int, pause: Pause | None) -> None:
        """The usual way of a job: it gets its place, and its message is taken at once."""
        self.schedule(number, None)
        if self.deliverable():
            self.deliver(number, pause)

    @rule(number=ANY, pause=PAUSES)
    def run_one(self, number: int, pause: Pause | None) -> None:
        """Further on that way: its wrapper goes on until the job runs, or has ended."""
        self.start_one(number, pause)
        for _ in range(3):
            for wrapper in self.world.living():
                wrapper.step()

    @precondition(lambda self: self.deliverable())
    @rule(number=ANY, pause=PAUSES)
    def deliver(self, number: int, pause: Pause | None) -> None:
        """T7, T8, T9. Whichever message comes first."""
        host, pair = one_of(self.deliverable(), number)
        self.world.broker.queues[host.name].remove(pair)
        self.take(host, pair, pause)

    def take(self, host: Host, pair: tuple[int, int], pause: Pause | None) -> None:
        """A worker's thread has this message."""
        name = f"message {pair[0]}.{pair[1]} on {host.name}"
        self.world.perform(name, host.worker, lambda: runner.run(*pair), pause)

    @precondition(lambda self: self.hosts())
    @rule(number=ANY, pause=PAUSES)
    def beat(self, number: int, pause: Pause | None) -> None:
        """The node's lease."""
        host = one_of(self.hosts(), number)
        if not self.world.is_doing(f"beat of {host.name}"):
            self.world.renew(host, pause)

    @precondition(lambda self: self.hosts())
    @rule(number=ANY, pause=PAUSES)
    def sweep(self, number: int, pause: Pause | None) -> None:
        """T4, T9, T10, T12, T13, T16 to T18, T21; of other nodes T19 and T20."""
        host = one_of(self.hosts(), number)
        worker = host.worker
        name = f"sweep of {host.name}"
        if worker.is_enrolled and not self.world.is_doing(name):
            self.world.perform(name, worker, lambda: worker.agent._station_sweep(TIMER), pause)

    @precondition(lambda self: self.hosts())
    @rule(number=ANY, pause=PAUSES)
    def stop_jobs(self, number: int, pause: Pause | None) -> None:
        """The agent hears that somebody wants the end of a job."""
        worker = one_of(self.hosts(), number).worker
        if worker.is_enrolled:
            self.world.perform("ear", worker, worker.agent.ends.stop_jobs, pause)

    @rule(pause=PAUSES)
    def recover(self, pause: Pause | None) -> None:
        """Beat's part: T4, T6, T19, T20."""
        if not self.world.is_doing("recover"):
            self.world.perform("recover", self.world.beat, lambda: RecoveryManager().recover(), pause)

    @precondition(lambda self: self.world.living())
    @rule(number=ANY)
    def wrapper(self, number: int) -> None:
        """The next step of a wrapper."""
        one_of(self.world.living(), number).step()

    @precondition(lambda self: self.world.running())
    @rule(number=ANY, code=st.sampled_from([0, 0, 1]))
    def job_ends(self, number: int, code: int) -> None:
        """By itself."""
        one_of(self.world.running(), number).end_job(code)

    @rule(seconds=st.sampled_from([1, 3, 10, 30]))
    def pass_time(self, seconds: int) -> None:
        """Agents that can renew their leases meanwhile."""
        while seconds > 0:
            self.world.pass_time(min(seconds, 3))
            seconds -= 3
            for host in self.hosts():
                if host.worker and not self.world.is_doing(f"beat of {host.name}"):
                    self.world.renew(host)

    @precondition(lambda self: self.world.stage.suspended)
    @rule(number=ANY, pause=PAUSES)
    def go_on(self, number: int, pause: Pause | None) -> None:
        """Somebody who is suspended goes on."""
        self.world.resume(one_of(self.world.stage.suspended, number), pause)

    def ended(self) -> list[int]:
        """Jobs that have ended."""
        return [row.pk for row in self.oracle.rows.values() if row.state in FINAL_STATES]

    def deliverable(self) -> list[tuple[Host, tuple[int, int]]]:
        """Messages that a worker may take."""
        return [
            (host, pair)
            for host in self.hosts()
            if host.worker.is_enrolled and not host.is_deaf and not self.world.broker.is_away
            for pair in self.world.broker.queues.get(host.name, ())
        ]

    def owner(self) -> User:
        """Of all jobs."""
        return making.user()

    def _of_job(self, name: str, number: int, pause: Pause | None, act: Callable[[Job], bool]) -> None:
        job = Job.objects.select_related("node", "partition").get(pk=one_of(self.jobs(), number))
        self.world.perform(f"{name} {job.pk}", Process("web"), lambda: act(job), pause)
