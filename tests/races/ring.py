"""Where two race for one job, round after round, and what must hold after each round."""

from collections.abc import Callable
from concurrent.futures import Executor
from datetime import timedelta

from django.db import transaction

from jobs import lifecycle
from jobs.execution.lease import LeaseKeeper
from jobs.lifecycle import Identities, Placing, SeenLease
from jobs.models import Job, Node, NodeLease
from jobs.models.clock import ClockTimestamp, database_now
from jobs.states import ACTIVE, CANCELLED, COMPLETED, PLACED, QUEUED, STARTING, STOPPING, Service, Step
from tests import making
from tests.outbox import Outbox
from tests.races.acts import Act, Seen
from tests.races.duel import come_after, hold_before, let_run
from tests.races.pairs import Scene, Story

HOUR = timedelta(hours=1)
HOLDING = (PLACED, STARTING, ACTIVE, STOPPING)


class Ring:
    """One node with room for everybody, and a second one of the two in a thread of their own."""

    def __init__(self, other: Executor, outbox: Outbox) -> None:
        self._other = other
        self._outbox = outbox
        self._node = making.node(cpus=1_000_000, memory_mb=1_000_000_000)
        self._keeper = LeaseKeeper(self._node, boot_id=making.BOOT, spool_id=making.SPOOL, lease=HOUR)
        assert self._keeper.take()
        self._begun = database_now()

    def held(self, scene: Scene) -> Story:
        """One round in which the second one comes to the first one's lock."""
        return self._round(scene, hold_before, scene.stories())

    def after(self, scene: Scene) -> Story:
        """One round in which the second one, which passes by a lock, comes when there is none any more."""
        return self._round(scene, come_after, scene.stories())

    def free(self, scene: Scene) -> Story:
        """One round in which nobody knows who comes first."""
        return self._round(scene, let_run, scene.stories_in_any_order())

    def alone(self, act: Act, step: Step) -> Story:
        """What becomes of a job at this step when nobody else is there."""
        seen, _ = self._make(Scene(act, act, step))
        won = act.do(seen)
        return Story(won, False, _read(seen.job).step)

    def _round(self, scene: Scene, run: Callable[..., tuple[bool, bool]], allowed: set[Story]) -> Story:
        first, second = self._make(scene)
        job = _read(first.job)
        events, sent = job.events.count(), len(self._outbox.sent)
        attempt = job.attempt
        won = run(lambda: scene.first.do(first), lambda: scene.second.do(second), self._other)
        job.refresh_from_db()
        told = Story(*won, job.step)
        assert told in allowed, f"{scene}: {told} is none of {allowed}"
        winners = [act.name for act, has_won in zip(scene.acts, won, strict=True) if has_won]
        _assert_so_many(job.events.count() - events, len(winners) - winners.count("rejoin"), "events")
        _assert_so_many(len(self._outbox.sent) - sent, winners.count("republish"), "messages")
        _assert_so_many(job.attempt - attempt, winners.count("place"), "new attempts")
        _assert_so_many(len(making.held_by(job)), int(job.step in HOLDING), "allocations held")
        return told

    def _make(self, scene: Scene) -> tuple[Seen, Seen]:
        """A new job at the scene's step, and what each of the two has read of it."""
        self._keeper.renew(hears_broker=True)
        Node.objects.exclude(service=Service.UP).update(service=Service.UP, service_reason="")
        job, early = self._job(scene)
        if {"declare dead", "rejoin"}.intersection(scene.names):
            NodeLease.objects.update(lease_until=ClockTimestamp())
        lease = SeenLease(*NodeLease.objects.values_list("node_id", "incarnation", "lease_until").get())
        first, second = (
            Seen(early if early and act is scene.late else _read(job), lease, self._keeper)
            for act in scene.acts
        )
        return first, second

    def _job(self, scene: Scene) -> tuple[Job, Job | None]:
        """The job; and what somebody read of it too early."""
        again = scene.late is not None and scene.read_at is None
        job = making.queued(requeue=again or any(act.wants_requeue for act in scene.acts))
        early = None
        if scene.late is not None:
            self._bring(job, scene.read_at or scene.step)
            early = _read(job)
        if again:
            self._turn_back(job)
        self._bring(job, scene.step)
        return job, early

    def _bring(self, job: Job, step: Step) -> None:
        """Have a job go on as far as this step."""
        while job.step != step:
            assert self._move_on(job, step)

    def _move_on(self, job: Job, to: Step) -> bool:
        if to == CANCELLED:
            return lifecycle.cancel(job, actor="ana")
        if job.step == QUEUED:
            with transaction.atomic():
                return lifecycle.place([Placing(job, self._node.pk, ())], self._begun) == [job]
        if job.step == PLACED:
            return lifecycle.start(job, boot_id=making.BOOT, spool_id=making.SPOOL, actor="n1")
        if to == STOPPING:
            return lifecycle.cancel(job, actor="ana")
        if job.step == ACTIVE:
            return lifecycle.finish(job, making.ending(0 if to == COMPLETED else 1), actor="n1")
        return lifecycle.activate(job, Identities(1, 1, 2, 2), note="", actor="n1")

    def _turn_back(self, job: Job) -> None:
        """Its attempt is over, and it waits for the next one."""
        if job.step == QUEUED:
            self._bring(job, PLACED)
        if job.step == PLACED:
            assert lifecycle.return_to_queue(job, "n1 is drained", actor="scheduler")
        elif job.step == STARTING:
            assert lifecycle.return_unstarted(job, actor="n1")
        else:
            assert lifecycle.requeue(job, "n1 was cut off", actor="n1")


def _read(job: Job) -> Job:
    return Job.objects.select_related("node", "partition").get(pk=job.pk)


def _assert_so_many(found: int, wanted: int, what: str) -> None:
    assert found == wanted, f"{found} {what}, and {wanted} would be right"
