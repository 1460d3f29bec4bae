"""A partition: a named set of nodes with limits of its own, in Slurm's sense."""

from datetime import timedelta

from django.db import models
from django.db.models import Q

from jobs.models.job_rules import LONGEST_TIME_LIMIT

LONGEST_PENDING = LONGEST_TIME_LIMIT
"""As `max_pending`, which is added to a moment: with any span at all, that could leave the calendar."""


class Partition(models.Model):
    """Jobs are submitted to a partition and run on its nodes."""

    class State(models.TextChoices):
        UP = "UP", "up"
        PAUSED = "PAUSED", "paused"

    name = models.CharField(max_length=64, unique=True)
    is_default = models.BooleanField(default=False, help_text="Jobs that name no partition come here.")
    default_time_limit = models.DurationField(default=timedelta(hours=1))
    max_time_limit = models.DurationField(default=timedelta(days=7))
    priority = models.IntegerField(default=0, help_text="Jobs of a partition with more go first.")
    state = models.CharField(max_length=8, choices=State, default=State.UP)
    grace = models.DurationField(
        default=timedelta(seconds=30),
        help_text="Between TERM and KILL when a job is cancelled or out of time (Slurm's KillWait).",
    )
    max_pending = models.DurationField(
        null=True, blank=True, help_text="A job that waits longer expires. Empty: none does."
    )
    output_limit_mb = models.PositiveIntegerField(
        default=1024, help_text="MiB that a job may write to its output; above it is stopped. 0: no limit."
    )
    nodes = models.ManyToManyField("jobs.Node", related_name="partitions", blank=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                fields=["is_default"], condition=Q(is_default=True), name="one_default_partition"
            ),
            models.CheckConstraint(
                condition=Q(default_time_limit__gte=timedelta(seconds=1))
                & Q(default_time_limit__lte=models.F("max_time_limit")),
                name="partition_time_limits_agree",
                violation_error_message="The default time limit must be 1 second or more "
                "and no longer than the maximum.",
            ),
            models.CheckConstraint(
                condition=Q(max_pending=None)
                | Q(max_pending__gte=timedelta(seconds=1), max_pending__lte=LONGEST_PENDING),
                name="partition_max_pending_is_finite",
                violation_error_message="A job may wait from 1 second to "
                f"{LONGEST_PENDING.days} days; empty: for ever.",
            ),
        ]

    def __str__(self) -> str:
        return self.name
