"""One attempt, from its blocked child to its exit.json. Standard library alone, as the wrapper."""

import contextlib
import os
import signal
import time

from jobs.execution import cage, job_process, lean, outcome, procfs, tree
from jobs.execution.exit_file import ExitFile, link_ticket
from jobs.execution.fence import Fence
from jobs.execution.outputs import Output
from jobs.execution.usage import Usage
from jobs.execution.watches import Limit, WarningSignal, Watch, amount  # noqa: F401 - for the types
from jobs.faults import faultpoint

HEARD = (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
PATIENCE = 1.5
"""The longest wait, in seconds: after a suspend the kernel's timers run late, so the clock is read again."""
LINGER = 0.5
"""How long what the script left running may take to end by itself: a `tee` has its last lines to write."""
FIRST = 0.02
"""Before anything can be due: a job that has ended by then has not been watched."""
ROUND = 0.02
LEAST = 0.001
WARY = 0.05
"""While a job that was asked to end may make it worse, it is looked at so often."""
LONGEST_ERROR = 4096
ODD = (OSError, LookupError, ValueError, ArithmeticError)
"""What a look at the system, or at a file that the job can reach, may come up with."""


def _now():  # type: () -> float
    """Seconds of a clock that goes on while the machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Attempt:
    """One attempt, from its blocked child to its exit.json."""

    def __init__(self, request):  # type: (dict[str, object]) -> None
        self.request = request
        self.command, self.note = job_process.command(request["arguments"])
        self.output = os.open(
            "stdout", os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600
        )
        self.launch_words = self.child = self.opener = 0

    def begin(self):  # type: () -> str
        """Link the ticket, and let the job go. Answer why not, or an empty string."""
        self._prepare()
        why = self._why_fenced() or self._link_ticket()
        if why:
            os.close(self.opener)  # unopened: the child ends without having run anything
            os.waitpid(self.child, 0)
            self.exit_file.give_back()
            return why
        self.began = _now()
        self.not_run = self._why_not_durable() or self._why_fenced()
        if not self.not_run:
            os.write(self.opener, b"1")
        os.close(self.opener)
        faultpoint("spawn.after_open")
        return ""

    def _prepare(self):  # type: () -> None
        """What could as well be done before the fork, if each page that it touches were not copied twice."""
        self.exit_file = ExitFile()
        self.status = None  # type: int | None
        self.cause = None  # type: str | None
        self.began = self.ended = _now()
        self.grace = amount(self.request, "grace_seconds")
        self.linger_until = self.kill_at = None  # type: float | None
        self.watches = []  # type: list[Watch]
        self.usage = None  # type: Usage | None
        self.written = None  # type: Output | None
        self.oom = self.not_run = ""
        self.stopper = None  # type: Watch | None
        self.fence = Fence(self.request, self.began)

    def _why_fenced(self):  # type: () -> str
        """The node is silent: what has not begun does not begin."""
        if not self.fence.look(_now()):
            return ""
        self.cause = "fenced"
        return "its node has not renewed its lease for too long"

    def fork(self):  # type: () -> str
        """Fork the child that becomes the job when it is let go. Answer why not, or an empty string."""
        try:
            faultpoint("spawn.before")
            gate, self.opener = os.pipe2(os.O_CLOEXEC)
            self.launch_words, failure = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
            self.child = os.fork()
        except OSError as error:
            return f"its process could not be made: {error}"
        if self.child == 0:
            os.close(self.opener)
            job_process.become(self.command, self.request, self.output, gate, failure)
        os.close(gate)
        os.close(failure)
        faultpoint("spawn.after_fork")
        return ""

    def _link_ticket(self):  # type: () -> str
        ticket = {
            "version": outcome.VERSION,
            "boot_id": procfs.boot_id(),
            "wrapper_pid": os.getpid(),
            "wrapper_ticks": procfs.start_ticks(os.getpid()),
            "pid": self.child,
            "start_ticks": procfs.start_ticks(self.child),
            "note": self.note,
        }
        try:
            self.exit_file.reserve()
            faultpoint("ticket.before")
            link_ticket(lean.encode(ticket))
        except OSError as error:
            return f"the ticket could not be linked: {error}"
        return ""

    def _why_not_durable(self):  # type: () -> str
        """A power cut could take the ticket away, and another start would find none."""
        try:
            faultpoint("ticket.after_create")
            self.exit_file.sync_directory()
            faultpoint("ticket.after_fsync")
        except OSError as error:
            return f"its ticket could not be made durable: {error}"
        return ""

    def supervise(self):  # type: () -> None
        """Wait until the tree is empty. When a watch finds cause it is asked to end, then killed."""
        self._hear(signal.sigtimedwait(HEARD, FIRST))  # many end at once, and need no watch
        while self._reap():
            self.watches = self.watches or self._watches()
            with contextlib.suppress(*ODD):  # the next look may succeed
                self._look(_now())
            self._hear(signal.sigtimedwait(HEARD, self._patience(_now())))
        self.oom = outcome.memory_ran_out(self.status or 0, self.usage, self.request.get("cgroup"))

    def _watches(self):  # type: () -> list[Watch]
        """Whatever a job that goes on may be ended for."""
        self.usage = Usage(self.request, self.began)
        self.written = Output(self.request, self.began, self.child, self.output)
        warning = WarningSignal(self.request, self.began, self.child)
        return [warning, Limit(self.request, self.began, self.output), self.written, self.usage]

    def _look(self, now):  # type: (float) -> None
        if now >= self.fence.due and self.fence.look(now):
            if self.kill_at is None:
                self._stop("fenced", self.fence)
            self.kill_at = now
        if self.kill_at is not None:
            self._look_after(now, self.kill_at)
        elif self.linger_until is not None:
            if now >= self.linger_until:
                self._stop("", None)
        else:
            for watch in self.watches:
                cause = self._found_by(watch, now) if now >= watch.due - watch.early else ""
                if cause:
                    faultpoint("run.limit_fired")
                    self._stop(cause, watch)
                    return

    def _found_by(self, watch, now):  # type: (Watch, float) -> str
        """What a watch has found. One that cannot look now keeps no other from it, and looks again later."""
        watch.due = now + PATIENCE
        with contextlib.suppress(*ODD):
            return watch.look(now)
        return ""

    def _look_after(self, now, kill_at):  # type: (float, float) -> None
        """It was asked to end."""
        if now < kill_at and self.stopper is not None and self.stopper.is_worse(now):
            self.kill_at = kill_at = now
        if now >= kill_at:
            tree.signal_all(signal.SIGKILL)
            cage.strike(self.request.get("cgroup"))
            faultpoint("run.after_kill")

    def _hear(self, heard):  # type: (signal.struct_siginfo | None) -> None
        asked = heard is not None and heard.si_signo == signal.SIGTERM and os.path.exists("cancel")  # noqa: PTH110
        if asked and self.kill_at is None:
            self._stop("cancel", None)

    def _patience(self, now):  # type: (float) -> float
        if self.kill_at is not None:
            due = min(self.kill_at, now + WARY) if now < self.kill_at and self.stopper else self.kill_at
            due = due if now < self.kill_at else now + ROUND
        else:
            due = self.linger_until or min(watch.due for watch in self.watches)
        return min(max(min(due, self.fence.due) - now, LEAST), PATIENCE)

    def _reap(self):  # type: () -> bool
        """Take the ended ones. False: the tree is empty."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                self.ended = _now()
                return False
            if pid == 0:
                return True
            if pid == self.child:
                self.status = status
                self.linger_until = _now() + LINGER

    def _stop(self, cause, watch):  # type: (str, Watch | None) -> None
        self._reap()
        if self.status is None:
            self.cause = cause or None
        self.stopper = watch if watch is not None and watch.hasty else None
        self.kill_at = _now() + (self.grace if watch is None else watch.grace)
        tree.terminate()
        faultpoint("run.after_term")

    def record(self):  # type: () -> None
        """Leave the last word of this attempt."""
        self.exit_file.record(lean.encode(self._outcome()))

    def _launch_error(self):  # type: () -> str | None
        """What kept the child from becoming the job. Asked when its tree is empty: it may hang till then."""
        if self.not_run:
            return self.not_run
        with contextlib.suppress(BlockingIOError):
            return os.read(self.launch_words, LONGEST_ERROR).decode(errors="replace") or None
        return None

    def _outcome(self):  # type: () -> dict[str, object]
        status = self.status or 0
        told = {
            "version": outcome.VERSION,
            "job_id": self.request["job_id"],
            "attempt": self.request["attempt"],
            "cause": self.cause,
            "wall_seconds": round(self.ended - self.began, 3),
            "oom": "" if self.cause else self.oom,
            **outcome.of_status(status, self._launch_error()),
            **outcome.of_usage(self.usage),
        }  # type: dict[str, object]
        if self.stopper is not None and self.cause is not None:
            with contextlib.suppress(*ODD):
                told["measured"] = self.stopper.measured()
        if told["exit_code"] != 0 or self.cause is not None:
            with contextlib.suppress(*ODD):
                written = self.written or Output(self.request, self.began, self.child, self.output)
                told |= outcome.of_bad_end(self.output, written.error_file())
        return told
