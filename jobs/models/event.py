"""What happened, append-only: timeline and audit trail in one."""

from django.db import models

from jobs.models.clock import ClockTimestamp
from jobs.states import EventKind


class JobEvent(models.Model):
    """One change of one job, written in the change's own transaction, or something to know about it.

    Folding them by id gives its states and phases. What changed nothing (a late result, a killed stray) has
    the same step on both sides.
    """

    job = models.ForeignKey("jobs.Job", on_delete=models.PROTECT, related_name="events")
    at = models.DateTimeField(db_default=ClockTimestamp())
    actor = models.CharField(max_length=150, help_text="A user's name, or the part of the platform.")
    kind = models.CharField(max_length=32, choices=[(k, k) for k in EventKind])
    from_state = models.CharField(max_length=12, blank=True)
    from_phase = models.CharField(max_length=12, blank=True)
    to_state = models.CharField(max_length=12)
    to_phase = models.CharField(max_length=12)
    attempt = models.PositiveIntegerField()
    message = models.TextField(blank=True)
    evidence = models.JSONField(default=dict)

    class Meta:
        ordering = ["pk"]
        indexes = [models.Index(fields=["job", "id"], name="events_of_a_job")]

    def __str__(self) -> str:
        return f"job {self.job_id}: {self.kind}"


class NodeEvent(models.Model):
    """One change of one node: its size, its own service, or what an operator wants of it; by whom and why."""

    node = models.ForeignKey("jobs.Node", on_delete=models.CASCADE, related_name="events")
    at = models.DateTimeField(db_default=ClockTimestamp())
    actor = models.CharField(max_length=150)
    kind = models.CharField(max_length=32)
    message = models.TextField(blank=True)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.node_id}: {self.kind}"
