"""The ledger: what each sweep found, decided and did."""

from django.db import models

from jobs.models.clock import ClockTimestamp


class RecoveryRun(models.Model):
    """One sweep that found something, or that a person or a start asked for."""

    started_at = models.DateTimeField(db_default=ClockTimestamp())
    duration = models.DurationField()
    trigger = models.CharField(max_length=16)
    node = models.CharField(max_length=64, blank=True, help_text="Empty: the part that belongs to no node.")
    dry_run = models.BooleanField(default=False)
    recovered = models.PositiveIntegerField(default=0)
    skipped = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["-pk"]
        indexes = [models.Index(fields=["started_at"], name="runs_by_start")]

    def __str__(self) -> str:
        return f"{self.trigger} sweep {self.pk}"


class RecoveryAlert(models.Model):
    """More jobs were recovered within the window than the threshold allows: somebody should know."""

    raised_at = models.DateTimeField(db_default=ClockTimestamp())
    recovered = models.PositiveIntegerField(help_text="The most that were recovered within the window.")
    over_at = models.DateTimeField(null=True)
    seen_at = models.DateTimeField(null=True)
    seen_by = models.CharField(max_length=150, blank=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                models.Value(1), condition=models.Q(over_at=None), name="one_recovery_alert_at_a_time"
            )
        ]

    def __str__(self) -> str:
        return f"{self.recovered} jobs recovered"


class RecoveryAction(models.Model):
    """One decision of one strategy about one job."""

    run = models.ForeignKey(RecoveryRun, on_delete=models.CASCADE, related_name="actions")
    strategy = models.CharField(max_length=64)
    job = models.ForeignKey(
        "jobs.Job",
        # The ledger may outlive the job, and the number is given to no other.
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        related_name="recovery_actions",
    )
    attempt = models.PositiveIntegerField()
    found = models.TextField(help_text="What was wrong.")
    evidence = models.JSONField(default=dict, help_text="What was seen before anything was done.")
    action = models.CharField(max_length=100, blank=True, help_text="What was to be done about it.")
    dry_run = models.BooleanField(default=False, help_text="It was to be told only, and nothing was done.")
    outcome = models.CharField(max_length=12)
    detail = models.TextField(blank=True)

    class Meta:
        ordering = ["pk"]
        indexes = [models.Index(fields=["strategy", "outcome"], name="actions_by_strategy")]

    def __str__(self) -> str:
        return f"{self.strategy}: {self.outcome} job {self.job_id}"
