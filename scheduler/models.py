"""Who leads. A row with a term, so that a leader that froze and woke up finds that it leads no longer."""

from django.db import models


class SchedulerLease(models.Model):
    """The one row by which schedulers agree on their leader, by the database's clock."""

    holder = models.CharField(max_length=128, blank=True)
    term = models.PositiveBigIntegerField(default=0, help_text="Rises with each new leader.")
    until = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(pk=1), name="one_scheduler_lease")]

    def __str__(self) -> str:
        return f"term {self.term} of {self.holder}"
