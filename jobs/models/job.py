"""The job's row: the truth about it. Written only by jobs.lifecycle, by compare-and-set on the row itself."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse

from jobs.models.clock import ClockTimestamp
from jobs.models.job_rules import JOB_CONSTRAINTS, JOB_INDEXES
from jobs.models.roles import is_operator, sees_every_job
from jobs.states import FINAL_STATES, Evidence, Hold, OpenMode, Phase, Reason, Source, State, Step
from jobs.warning_signal import WarningSignal

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User


Mark = tuple[int, int, int]
"""Where a job stands in the order in which jobs are considered; the smaller one goes first."""


class JobQuerySet(models.QuerySet["Job"]):
    """Adjectives of jobs, and the one compare-and-set."""

    def move(self, job: "Job", to: Step, /, **changes: Any) -> bool:
        """Move one job to `to`. False: state, phase, attempt or hold are no longer what we saw."""
        seen = self.filter(pk=job.pk, state=job.state, phase=job.phase, attempt=job.attempt, hold=job.hold)
        return seen.update(state=to.state, phase=to.phase, **changes) == 1

    def expired(self, moment: datetime) -> Self:
        """Not claimed for longer than their partition allows. Who is held waits for a person."""
        allowed = models.ExpressionWrapper(
            models.F("eligible_at") + models.F("partition__max_pending"), output_field=models.DateTimeField()
        )
        waiting = self.filter(state=State.PENDING, hold=Hold.NONE, partition__max_pending__isnull=False)
        return waiting.annotate(expires_at=allowed).filter(expires_at__lt=moment).order_by("expires_at", "pk")

    def unlocked(self) -> Self:
        """Locked for us, but for those that somebody else has locked: nobody waits for them here."""
        return self.order_by("pk").only("pk").select_for_update(skip_locked=True, no_key=True)

    def queued(self) -> Self:
        """Waiting for resources."""
        return self.filter(state=State.PENDING, phase=Phase.QUEUED)

    def placed(self) -> Self:
        """Given resources, not yet claimed by the worker."""
        return self.filter(state=State.PENDING, phase=Phase.PLACED)

    def running(self) -> Self:
        """Claimed and not yet ended."""
        return self.filter(state=State.RUNNING)

    def stopping(self) -> Self:
        """Running, and somebody asked for the end."""
        return self.filter(state=State.RUNNING, phase=Phase.STOPPING)

    def live(self) -> Self:
        """Not ended."""
        return self.exclude(state__in=FINAL_STATES)

    def on(self, node_name: str) -> Self:
        """Of this node."""
        return self.filter(node__name=node_name)

    def unclaimed_since(self, moment: datetime) -> Self:
        """Placed, and its last message (or, when none was sent, its placing) is older than `moment`."""
        asked = models.functions.Coalesce("dispatched_at", "placed_at")
        placed = self.placed().annotate(asked_at=asked).filter(asked_at__lt=moment)
        return placed.order_by("asked_at", "pk")

    def lost_to(self, moment: datetime) -> Self:
        """Running on a node whose agent has not renewed its lease."""
        return self.running().filter(node__lease__lease_until__lt=moment)

    def overdue(self, moment: datetime) -> Self:
        """Running past their limit."""
        return self.running().filter(limit_at__lt=moment)

    def by_priority(self) -> Self:
        """In the order in which they are considered: partition, priority, age."""
        return self.order_by("-partition__priority", "-priority", "pk")

    def behind(self, mark: Mark) -> Self:
        """Considered later than the job that stood at `mark`."""
        by_partition, by_priority, key = mark
        older = Q(priority=-by_priority, pk__gt=key)
        less = Q(partition__priority=-by_partition) & (Q(priority__lt=-by_priority) | older)
        return self.filter(Q(partition__priority__lt=-by_partition) | less)

    def visible_to(self, user: "User | AnonymousUser") -> Self:
        """Those that this person may see: their own, or every job for operators, viewers and superusers."""
        if not user.is_authenticated or not user.is_active:
            return self.none()
        return self.all() if sees_every_job(user) else self.filter(owner=user)

    def changeable_by(self, user: "User | AnonymousUser") -> Self:
        """Those that this person may cancel or hold: their own, or every job for operators."""
        if not user.is_authenticated or not user.is_active:
            return self.none()
        return self.all() if is_operator(user) else self.filter(owner=user)


class Job(models.Model):
    """A script with the resources and the time that it needs, and what became of it."""

    name = models.CharField(max_length=128)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="jobs")
    partition = models.ForeignKey("jobs.Partition", on_delete=models.PROTECT, related_name="jobs")
    script = models.TextField()
    arguments = models.JSONField(default=list, blank=True)
    environment = models.JSONField(default=dict, blank=True)
    work_dir = models.TextField(blank=True, help_text="Empty: a private scratch directory.")
    cpus = models.PositiveIntegerField(default=1)
    memory_mb = models.PositiveIntegerField(default=1024)
    gpus = models.PositiveIntegerField(default=0)
    time_limit = models.DurationField(default=timedelta(hours=1))
    priority = models.IntegerField(default=0)
    stdin_path = models.TextField(blank=True, help_text="Empty: nothing to read.")
    stdout_path = models.TextField(
        blank=True, help_text="A pattern of sbatch(1). Empty: the platform keeps it."
    )
    stderr_path = models.TextField(blank=True, help_text="A pattern of sbatch(1). Empty: joins the output.")
    open_mode = models.CharField(max_length=8, choices=[(m, m) for m in OpenMode], default=OpenMode.TRUNCATE)
    warning_signal = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="Sent before the limit (sbatch --signal)."
    )
    warning_seconds = models.PositiveIntegerField(default=60, help_text="How long before the limit.")
    warning_to_shell = models.BooleanField(
        default=False, help_text="Sent to the script's own process only, not to what it started."
    )
    requeue = models.BooleanField(
        default=False, help_text="It may be run again when its node is lost; it must be able to bear that."
    )
    max_attempts = models.PositiveSmallIntegerField(default=5, help_text="Runs at most, with requeue.")
    hold = models.CharField(
        max_length=8, choices=[(h, h or "no") for h in Hold], default=Hold.NONE, blank=True
    )

    state = models.CharField(max_length=12, choices=[(s, s.lower()) for s in State], default=State.PENDING)
    phase = models.CharField(max_length=12, choices=[(p, p.lower()) for p in Phase], default=Phase.QUEUED)
    reason = models.CharField(
        max_length=32, choices=[(r, r) for r in Reason], default=Reason.NOT_CONSIDERED_YET, blank=True
    )
    detail = models.TextField(blank=True, help_text="The reason as a sentence for a person.")
    attempt = models.PositiveIntegerField(default=0, help_text="Never falls; each placing adds one.")
    unstarted = models.PositiveIntegerField(default=0, help_text="Attempts proven never to have run.")
    dispatch_seq = models.PositiveIntegerField(default=0)
    dispatched_at = models.DateTimeField(null=True, blank=True)
    node = models.ForeignKey(
        "jobs.Node", on_delete=models.PROTECT, related_name="jobs", null=True, blank=True
    )
    cancel_requested_at = models.DateTimeField(null=True, blank=True)
    cancel_requested_by = models.CharField(max_length=150, blank=True)

    exit_code = models.PositiveSmallIntegerField(null=True, blank=True)
    exit_signal = models.PositiveSmallIntegerField(null=True, blank=True)
    evidence = models.CharField(max_length=12, choices=[(e, e) for e in Evidence], blank=True)
    cpu_seconds = models.FloatField(null=True, blank=True)
    max_rss_mb = models.FloatField(
        null=True,
        blank=True,
        help_text="Of its whole tree where its node watches that, else of its largest process.",
    )
    core_dumped = models.BooleanField(default=False)
    last_words = models.TextField(blank=True, help_text="The last lines of its error output.")

    submitted_at = models.DateTimeField(db_default=ClockTimestamp())
    eligible_at = models.DateTimeField(db_default=ClockTimestamp())
    placed_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    limit_at = models.DateTimeField(null=True, blank=True)

    idempotency_key = models.CharField(max_length=128, null=True, blank=True)  # noqa: DJ001 - null: no key
    request_digest = models.CharField(max_length=64, blank=True)
    source = models.CharField(max_length=4, choices=[(s, s) for s in Source], default=Source.WEB)
    rerun_of = models.ForeignKey(
        "self",
        on_delete=models.DO_NOTHING,  # a final row never changes, and that one may be forgotten before it
        db_constraint=False,
        related_name="reruns",
        null=True,
        blank=True,
    )

    objects = JobQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = JOB_CONSTRAINTS
        indexes = JOB_INDEXES

    def __str__(self) -> str:
        return f"{self.pk} {self.name}"

    def get_absolute_url(self) -> str:
        return reverse("job", args=[self.pk])

    @property
    def step(self) -> Step:
        """Its state and phase."""
        return Step(State(self.state), Phase(self.phase))

    @property
    def mark(self) -> Mark:
        """Where it stands among those that wait."""
        return -self.partition.priority, -self.priority, self.pk

    @property
    def is_final(self) -> bool:
        """It has ended."""
        return self.state in FINAL_STATES

    @property
    def is_held(self) -> bool:
        """A person keeps it from being placed."""
        return self.hold != Hold.NONE

    @property
    def warning(self) -> WarningSignal | None:
        """What it gets before its limit. None: nothing."""
        if self.warning_signal is None:
            return None
        return WarningSignal(self.warning_signal, self.warning_seconds, self.warning_to_shell)

    @property
    def appends(self) -> bool:
        """It adds to output files that are there already."""
        return self.open_mode == OpenMode.APPEND

    @property
    def may_run_again(self) -> bool:
        """When its node is lost: its owner allows it, nobody wants its end, and it has runs left."""
        runs = self.attempt - self.unstarted
        return self.requeue and self.phase != Phase.STOPPING and runs < self.max_attempts

    @property
    def restarts(self) -> int:
        """How often it was run again, attempts that never ran not counted."""
        return max(0, self.attempt - self.unstarted - 1)
