"""What goes wrong: whoever can die dies anywhere, whatever can be lost is lost, doubled or late."""

import shutil
from pathlib import Path
from typing import Final

from django.db import OperationalError
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.machine.host import Host
from tests.machine.moves import ANY, PAUSES, Moves, one_of
from tests.machine.stage import Pause
from tests.machine.wrapper import Wrapper

CONNECTION_LOST: Final = "the connection was lost"
RARE: Final = (
    *("kill_job", "freeze_wrapper", "reboot", "break_down", "cut_off", "deafen", "stop_broker"),
    *("remove_directory", "lose_spool", "set_clock"),
)


class Troubles(Moves):
    """The same with faults."""

    @rule(number=ANY)
    def kill_worker(self, number: int) -> None:
        """Every process of Celery on a node, with kill -9. Wrappers and jobs go on."""
        host = one_of(self.world.hosts, number)
        if host.worker:
            self.world.kill(host.worker)

    @rule(kind=st.sampled_from(RARE), number=ANY)
    def rare(self, kind: str, number: int) -> None:
        """One rule for all of these, or jobs would hardly get anywhere between them."""
        getattr(self, kind)(number)

    @precondition(lambda self: self.idle())
    @rule(number=ANY)
    def start_worker(self, number: int) -> None:
        """Somebody starts it again."""
        host = one_of(self.idle(), number)
        self.world.start_worker(host)
        if not host.is_cut_off:
            self.world.renew(host)

    @precondition(lambda self: self.world.stage.suspended)
    @rule(number=ANY)
    def kill_suspended(self, number: int) -> None:
        """Whoever is in the middle of something dies there, with its whole process."""
        process = one_of(self.world.stage.suspended, number).process
        self.world.kill(process)
        if process.leader is not None:
            self.world.replace_scheduler(process)
        if process is self.world.beat:
            self.world.replace_beat()

    @precondition(lambda self: self.world.stage.suspended)
    @rule(number=ANY, pause=PAUSES, is_told=st.booleans())
    def lose_connection(self, number: int, pause: Pause | None, *, is_told: bool) -> None:
        """To the database. Where a commit was just made, nobody tells whether it was."""
        task = one_of(self.world.stage.suspended, number)
        self.world.terminate(task)
        if is_told or task.where.startswith("committed"):
            self.world.resume(task, pause, OperationalError(CONNECTION_LOST))
        else:
            self.world.resume(task, pause)

    @precondition(lambda self: self.wrappers_with_process())
    @rule(number=ANY)
    def kill_wrapper(self, number: int) -> None:
        """With kill -9."""
        wrapper = one_of(self.wrappers_with_process(), number)
        wrapper.host.end(wrapper.entry, by=9)

    def kill_job(self, number: int) -> None:
        """With kill -9, by somebody else."""
        if running := self.world.running():
            wrapper = one_of(running, number)
            wrapper.host.end(wrapper.child, by=9)

    def freeze_wrapper(self, number: int) -> None:
        """Or thaw it. Not where a second run relies on its clock."""
        once = [one for one in self.wrappers_with_process() if not one.request["requeue"]]
        if once:
            wrapper = one_of(once, number)
            wrapper.entry.is_frozen = not wrapper.entry.is_frozen

    def reboot(self, number: int) -> None:
        """A machine."""
        host = one_of(self.world.hosts, number)
        self.world.reboot(host)

    def break_down(self, number: int) -> None:
        """The second machine, for good. Nobody will ever know what became of its jobs."""
        host = self.world.hosts[1]
        if number == 0 and not host.is_broken:
            self.world.reboot(host)
            host.is_broken = True

    def cut_off(self, number: int) -> None:
        """A node reaches neither database nor broker, or does again."""
        host = one_of(self.world.hosts, number)
        host.is_cut_off = not host.is_cut_off

    def deafen(self, number: int) -> None:
        """A node does not reach the broker, or does again."""
        host = one_of(self.world.hosts, number)
        host.is_deaf = not host.is_deaf

    def stop_broker(self, _: int) -> None:
        """Or start it again, with what it had."""
        self.world.broker.is_away = not self.world.broker.is_away

    @precondition(lambda self: self.world.broker.waiting())
    @rule(number=ANY, twice=st.booleans())
    def lose_or_double(self, number: int, *, twice: bool) -> None:
        """A message."""
        name, pair = one_of(self.world.broker.waiting(), number)
        queue = self.world.broker.queues[name]
        if twice:
            queue.insert(0, pair)
        else:
            queue.remove(pair)

    @precondition(lambda self: self.oracle.accepted and self.hosts())
    @rule(number=ANY, host=ANY, attempt=st.integers(1, 3), pause=PAUSES)
    def come_late(self, number: int, host: int, attempt: int, pause: Pause | None) -> None:
        """A message that was sent long ago, or that nobody has sent."""
        place = one_of(self.hosts(), host)
        if place.worker.is_enrolled:
            self.take(place, (one_of(self.jobs(), number), attempt), pause)

    def remove_directory(self, number: int) -> None:
        """Somebody removes what an attempt has written."""
        if self.world.wrappers:
            wrapper = one_of(self.world.wrappers, number)
            self._remove(wrapper.host.spool_path / "{}.{}".format(*wrapper.pair))

    def lose_spool(self, number: int) -> None:
        """A node's whole spool."""
        self._remove(one_of(self.world.hosts, number).spool_path)

    def set_clock(self, number: int) -> None:
        """The database's clock is set forward."""
        self.world.clock.jump((5, 60)[number % 2])

    def _remove(self, path: Path) -> None:
        self.world.complaints.files_are_lost = True
        shutil.rmtree(path, ignore_errors=True)

    def idle(self) -> list[Host]:
        """Hosts on which nobody works, and somebody could."""
        return [host for host in self.world.hosts if host.worker is None and not host.is_broken]

    def wrappers_with_process(self) -> list[Wrapper]:
        """Frozen ones too."""
        return [one for one in self.world.wrappers if one.host.is_alive(one.entry)]
