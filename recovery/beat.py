"""When Celery Beat was last alive, by what it writes itself."""

from datetime import datetime, timedelta

from django_celery_beat.models import PeriodicTask


def last_sent() -> datetime | None:
    """When it last sent the task of recovery. None: it never has."""
    tasks = PeriodicTask.objects.filter(name="recovery")
    sent: datetime | None = tasks.values_list("last_run_at", flat=True).first()
    return sent


def age(moment: datetime) -> float | None:
    """Seconds since it last sent the task of recovery. None: it never has."""
    sent = last_sent()
    return None if sent is None else max(moment - sent, timedelta()).total_seconds()
